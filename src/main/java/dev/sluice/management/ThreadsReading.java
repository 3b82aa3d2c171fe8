package dev.sluice.management;

import dev.sluice.streams.EventStreams;

/**
 * What waits for threads, and the threads that may hang at peers, at one moment.
 *
 * @param streams threads that close and ping the peers of event streams
 * @param logReaders readers that follow a server's log
 * @param maxLogReaders at most
 * @param logWriting of these, the ones that are written to or wait for it
 * @param logClosing readers that are being closed or wait for it
 * @param mcpClosing MCP sockets that are being closed or wait for it
 * @param maxMcpClosing at most
 * @param answers answers of REST being written or waiting for it, those of request threads aside
 * @param maxAnswers at most
 * @param reactions reactions of registries to events that wait
 * @param maxReactions at most
 * @param refusedReactions reactions skipped because too many waited
 * @param workSeconds how long a task waits for a thread of the work pool
 * @param timerSeconds how late a timer is
 */
record ThreadsReading(
    EventStreams.Gauges streams,
    int logReaders,
    int maxLogReaders,
    int logWriting,
    int logClosing,
    int mcpClosing,
    int maxMcpClosing,
    int answers,
    int maxAnswers,
    int reactions,
    int maxReactions,
    long refusedReactions,
    double workSeconds,
    double timerSeconds) {}
