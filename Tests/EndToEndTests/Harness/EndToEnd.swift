import Testing

/// All end-to-end tests are below this suite: each is a run of several processes, and their deadlines are for one run at
/// a time.
@Suite(.serialized) struct EndToEnd {}
