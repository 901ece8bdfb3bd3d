//! Programs whose speed is promised stay as fast as that.

use palmetto_testkit::yardsticks::yardsticks;

#[test]
fn promised_speeds_are_kept() {
    for yardstick in yardsticks() {
        let name = yardstick.name;
        let cycles = yardstick.ready().and_then(|ready| ready.cycles());
        let cycles = cycles.unwrap_or_else(|error| panic!("{name}: {error}"));
        #[expect(clippy::cast_precision_loss, reason = "cycles are far below 2^52")]
        let times = cycles as f64 / yardstick.ideal as f64;
        assert!(times <= yardstick.limit, "{name}: {cycles} cycles, {times:.3} times the ideal");
    }
}
