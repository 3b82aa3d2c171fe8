/**
 * What all REST resources share: the application, the one error shape, the mapping of exceptions to
 * HTTP, reading of bounded JSON bodies, the OpenAPI document.
 */
@NullMarked
package dev.sluice.rest;

import org.jspecify.annotations.NullMarked;
