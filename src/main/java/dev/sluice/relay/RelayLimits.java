package dev.sluice.relay;

import dev.sluice.settings.Setting;
import dev.sluice.settings.Settings;
import java.time.Duration;

/**
 * How much of what clients may have at once; docs/relay.md says what they get at each limit.
 *
 * @param sessions of all clients
 * @param sessionsOfCaller of one caller
 * @param idle time after which a session that nothing uses is ended
 * @param age that no session gets over
 * @param requests of one client that wait for answers
 * @param streams of one Streamable HTTP session, those that a client may come back to counted in
 * @param childRequests of all sessions of a shared child that wait for its answers
 * @param childSubscriptions resources that the sessions of a shared child are subscribed to
 * @param statelessRequests of all clients
 * @param statelessSubscriptions of these, those that are subscriptions
 */
record RelayLimits(
    int sessions,
    int sessionsOfCaller,
    Duration idle,
    Duration age,
    int requests,
    int streams,
    int childRequests,
    int childSubscriptions,
    int statelessRequests,
    int statelessSubscriptions) {

  static RelayLimits of(Settings settings) {
    return new RelayLimits(
        settings.integer(Setting.RELAY_SESSIONS),
        settings.integer(Setting.RELAY_SESSIONS_CALLER),
        settings.seconds(Setting.RELAY_SESSION_IDLE),
        settings.seconds(Setting.RELAY_SESSION_AGE),
        settings.integer(Setting.RELAY_SESSION_REQUESTS),
        settings.integer(Setting.RELAY_SESSION_STREAMS),
        settings.integer(Setting.RELAY_CHILD_REQUESTS),
        settings.integer(Setting.RELAY_CHILD_SUBSCRIPTIONS),
        settings.integer(Setting.RELAY_STATELESS_REQUESTS),
        settings.integer(Setting.RELAY_STATELESS_SUBSCRIPTIONS));
  }
}
