package dev.sluice.events;

/**
 * One reading of the journal's gauges (contract C15, C17).
 *
 * @param published events appended by this process
 * @param evicted events that retention has removed since start
 * @param retained events held
 * @param retainedBytes bytes held
 * @param maxCount the bound in events
 * @param maxBytes the bound in bytes
 * @param topics distinct pairs of type and subject known
 * @param maxTopics the bound; topics beyond it are filtered without a cache
 * @param durable whether a log is attached
 * @param undurable events not yet committed to the log
 * @param lostDurable events that retention removed before the log could take them
 * @param logFailures failed commits since start
 */
public record JournalStats(
    long published,
    long evicted,
    long retained,
    long retainedBytes,
    long maxCount,
    long maxBytes,
    int topics,
    int maxTopics,
    boolean durable,
    long undurable,
    long lostDurable,
    long logFailures) {}
