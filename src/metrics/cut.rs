//! Why connections to the exporter's own pages are cut.

use crate::record::labelled;

labelled! {
    /// Why a connection was closed, or not served, before its client was done with it.
    Cut {
        SlowRequest = "slow_request": "no request, or not the whole of one, came in time";
        SlowReader = "slow_reader": "the answer was not taken in time";
        Displaced = "displaced": "it waited the longest when there were too many";
        Busy = "busy": "too many answers were being sent: it was told to come back";
    }
}
