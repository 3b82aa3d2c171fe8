package dev.sluice.events;

/**
 * One reading of the fan-out's gauges (contract C17); totals count since start.
 *
 * @param published events appended to the journal by this process
 * @param delivered event frames whose write succeeded
 * @param droppedSlow events reported lost because a reader was slow
 * @param droppedRetention events reported lost because retention had passed them (upper bounds
 *     included)
 * @param conflated events skipped by the conflate policy
 * @param gapFrames warning frames sent
 * @param replayed event frames that came from replay
 * @param lagEvents events that the reader furthest behind has yet to be given
 * @param lagMillis age of the oldest of those in milliseconds
 * @param queuedEvents events waiting in all lanes
 * @param queuedBytes bytes waiting in all lanes
 * @param boundBytes the formula's value: the sum of all lanes' byte bounds
 * @param slowCloses connections closed with 4008
 * @param unreadCloses connections closed, with any code, while a frame was not taken yet; the web
 *     server may keep them until the peer reads or leaves
 * @param refused subscriptions refused at the limit
 * @param subscribers subscriptions now
 * @param maxSubscribers the limit
 * @param blockedThreads threads that hang in a blocking send now
 * @param maxBlockedThreads the limit
 */
public record FanoutStats(
    long published,
    long delivered,
    long droppedSlow,
    long droppedRetention,
    long conflated,
    long gapFrames,
    long replayed,
    long lagEvents,
    long lagMillis,
    long queuedEvents,
    long queuedBytes,
    long boundBytes,
    long slowCloses,
    long unreadCloses,
    long refused,
    int subscribers,
    int maxSubscribers,
    int blockedThreads,
    int maxBlockedThreads) {}
