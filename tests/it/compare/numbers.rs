//! Numbers as people read them.

use super::table::number::number;

#[test]
fn a_number_has_three_digits_that_count() {
    for (value, text) in [
        (0.0, "0"),
        (0.045_67, "0.0457"),
        (0.7, "0.7"),
        (0.456, "0.456"),
        (1.456, "1.46"),
        (14.56, "14.6"),
        (38.0, "38"),
        (145.6, "146"),
        (-0.5, "-0.5"),
        (-145.6, "-146"),
        (2_345_678.9, "2,345,679"),
    ] {
        assert_eq!(number(value), text);
    }
}
