package dev.sluice.streams;

import dev.sluice.rest.Bodies;
import jakarta.inject.Inject;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServlet;
import java.util.Set;

/**
 * Serves nothing; its end is the moment to send all subscribers away (contract C14).
 *
 * <p>When the application is undeployed, servlets end before both servers' WebSocket containers cut
 * their sessions: WildFly's ends before the EJBs do, so the house alone would come too late there.
 */
public class DrainServlet extends HttpServlet {

  private static final long serialVersionUID = 1L;

  @Inject private transient Bodies bodies;
  @Inject private transient EventStreams streams;

  /**
   * Loads every class of the hub. Payara Micro deletes its temporary directory while it stops; what
   * was not loaded by then is not found any more, and a thread that needs it dies.
   */
  @Override
  public void init() throws ServletException {
    load("/WEB-INF/classes/");
    streams.begin();
  }

  private void load(String path) throws ServletException {
    Set<String> entries = getServletContext().getResourcePaths(path);
    if (entries == null) {
      return;
    }
    for (String entry : entries) {
      if (entry.endsWith("/")) {
        load(entry);
      } else if (entry.endsWith(".class") && !entry.endsWith("-info.class")) {
        String name =
            entry
                .substring("/WEB-INF/classes/".length(), entry.length() - ".class".length())
                .replace('/', '.');
        try {
          Class.forName(name, false, getClass().getClassLoader());
        } catch (ClassNotFoundException incomplete) {
          throw new ServletException("The WAR is damaged: " + name + " is missing", incomplete);
        } catch (NoClassDefFoundError absent) {
          // a MicroProfile Health check on a server without MicroProfile Health
          log(name + " is not used on this server");
        }
      }
    }
  }

  @Override
  public void destroy() {
    bodies.end();
    streams.drain();
  }
}
