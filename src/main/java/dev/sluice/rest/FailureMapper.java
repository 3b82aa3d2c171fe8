package dev.sluice.rest;

import dev.sluice.access.Refusal;
import dev.sluice.access.RequestCounts;
import jakarta.ejb.EJBException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import jakarta.json.JsonObject;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.ext.ExceptionMapper;
import jakarta.ws.rs.ext.Provider;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Every exception that reaches JAX-RS, as the one error shape: our own, JAX-RS's for what it could
 * not match (404, 405, 406, 415), and defects (500, logged under an incident number that the caller
 * gets instead of the exception's text).
 */
@Provider
@ApplicationScoped
public class FailureMapper implements ExceptionMapper<Throwable> {

  private static final System.Logger LOG = System.getLogger(FailureMapper.class.getName());

  /** Longest chain of causes that is looked through. */
  private static final int MAX_CAUSES = 16;

  @Inject private RequestCounts counts;

  @Override
  public Response toResponse(Throwable thrown) {
    Refusal refusal = refusal(thrown);
    counts.refused(refusal.status());
    Response.ResponseBuilder answer =
        Response.status(refusal.status()).type(Refusal.CONTENT_TYPE).entity(refusal.body());
    refusal.headers().forEach(answer::header);
    return answer.build();
  }

  private static Refusal refusal(Throwable thrown) {
    Optional<ApiException> ours = find(thrown, ApiException.class);
    if (ours.isPresent()) {
      return ours.get().refusal();
    }
    Optional<WebApplicationException> jaxRs = find(thrown, WebApplicationException.class);
    if (jaxRs.isPresent() && jaxRs.get().getResponse().getStatus() >= 400) {
      return ofJaxRs(jaxRs.get());
    }
    String incident = UUID.randomUUID().toString();
    LOG.log(
        System.Logger.Level.ERROR,
        "SLUICE-0401: A request failed by a defect of the hub, incident " + incident,
        thrown);
    return HttpErrors.defect(incident);
  }

  /** Servers differ in how many wrappers an EJB's exception arrives with: look through them. */
  private static <T extends Throwable> Optional<T> find(Throwable thrown, Class<T> type) {
    @Nullable Throwable next = thrown;
    for (int i = 0; i < MAX_CAUSES && next != null; i++) {
      if (type.isInstance(next)) {
        return Optional.of(type.cast(next));
      }
      next =
          next instanceof EJBException ejb && ejb.getCausedByException() != null
              ? ejb.getCausedByException()
              : next.getCause();
    }
    return Optional.empty();
  }

  private static Refusal ofJaxRs(WebApplicationException thrown) {
    Response response = thrown.getResponse();
    Refusal generic = HttpErrors.of(response.getStatus());
    Map<String, String> headers = new TreeMap<>(generic.headers());
    for (String kept : new String[] {"Allow", "Retry-After", "WWW-Authenticate"}) {
      String value = response.getHeaderString(kept);
      if (value != null) {
        headers.put(kept, value);
      }
    }
    return new Refusal(
        generic.status(), generic.code(), generic.message(), JsonObject.EMPTY_JSON_OBJECT, headers);
  }
}
