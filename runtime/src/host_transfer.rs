//! What a running program exchanges with the host.

use std::sync::{Arc, Mutex};

use palmetto_compiler::hlo::{Literal, Shape};

/// The host's side of the transfers of a program: of `send` and `recv` with `is_host_transfer`,
/// which is what JAX's callbacks become.
///
/// Called in the order in which the program's tokens put the transfers, from within the run.
pub trait HostTransfer {
    /// Takes what the device sends on a channel.
    ///
    /// # Errors
    /// Why the run has to end.
    fn send(&mut self, channel: i64, data: &Literal) -> Result<(), String>;

    /// Gives what the device waits for on a channel, an array of `shape`.
    ///
    /// # Errors
    /// Why the run has to end.
    fn receive(&mut self, channel: i64, shape: &Shape) -> Result<Literal, String>;
}

/// A host, which several executions may share: they take turns.
pub type Host = Arc<Mutex<dyn HostTransfer + Send>>;

pub(crate) const NO_HOST: &str = "the run was given no host-transfer handler";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Clock, Error, Executable, ExecuteOptions, Execution, LoadedExecutable, RunOptions,
    };
    use palmetto_compiler::diagnostic::SourceText;
    use palmetto_compiler::hlo::{ArrayLiteral, ArrayShape, ElementType, parse_module};
    use palmetto_compiler::options::CompileOptions;
    use palmetto_isa::TPU_V4;

    /// Sends the loop's counter each time around, and multiplies with what comes back.
    const LOOP: &str = "HloModule m
less { s = (token[], s32[], f32[2,3]) parameter(0)
  n = s32[] get-tuple-element(s), index=1
  three = s32[] constant(3)
  ROOT l = pred[] compare(n, three), direction=LT }
body { s = (token[], s32[], f32[2,3]) parameter(0)
  t = token[] get-tuple-element(s), index=0
  n = s32[] get-tuple-element(s), index=1
  x = f32[2,3] get-tuple-element(s), index=2
  b = (s32[], u32[], token[]) send(n, t), channel_id=2, is_host_transfer=true
  u = token[] send-done(b), channel_id=2, is_host_transfer=true
  r = (f32[2,3], u32[], token[]) recv(u), channel_id=3, is_host_transfer=true
  d = (f32[2,3], token[]) recv-done(r), channel_id=3, is_host_transfer=true
  y = f32[2,3] get-tuple-element(d), index=0
  v = token[] get-tuple-element(d), index=1
  z = f32[2,3] multiply(x, y)
  one = s32[] constant(1)
  m = s32[] add(n, one)
  ROOT o = (token[], s32[], f32[2,3]) tuple(v, m, z) }
ENTRY main {
  t = token[] parameter(0)
  x = f32[2,3] parameter(1)
  zero = s32[] constant(0)
  s = (token[], s32[], f32[2,3]) tuple(t, zero, x)
  w = (token[], s32[], f32[2,3]) while(s), condition=less, body=body
  u = token[] get-tuple-element(w), index=0
  z = f32[2,3] get-tuple-element(w), index=2
  ROOT o = (token[], f32[2,3]) tuple(u, z) }";

    #[derive(Default)]
    struct Multiplier {
        sent: Vec<(i64, Option<i64>)>,
        wrong_shape: bool,
    }

    impl HostTransfer for Multiplier {
        fn send(&mut self, channel: i64, data: &Literal) -> Result<(), String> {
            self.sent.push((channel, data.as_array().expect("an array").get_i64(0)));
            Ok(())
        }

        fn receive(&mut self, channel: i64, shape: &Shape) -> Result<Literal, String> {
            let count = self.sent.len();
            if channel != 3 || count == 0 {
                return Err(format!("nothing for channel {channel}"));
            }
            let array = shape.as_array().expect("an array");
            let mut result = ArrayLiteral::zeros(array);
            for element in 0..array.element_count() {
                result.set_i64(element, i64::try_from(count).expect("few"));
            }
            let scalar = ArrayLiteral::zeros(&ArrayShape::scalar(ElementType::F32));
            Ok(if self.wrong_shape { scalar } else { result }.into())
        }
    }

    fn run(text: &str, hosts: Vec<Host>) -> Result<Execution, Error> {
        let module = parse_module(SourceText::new("test", text))?;
        let loaded = LoadedExecutable::compile(&module, &CompileOptions::v4())?;
        let token = ArrayLiteral::zeros(&ArrayShape::scalar(ElementType::Token));
        let x = ArrayLiteral::from_slice(&[2, 3], &[1f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let inputs = [token.into(), x.expect("six elements").into()];
        let options = RunOptions { strict: true, clock: Clock::Chaos(5), max_trips: 10 };
        loaded.run_with(&inputs, &ExecuteOptions { run: Some(options), watch: None, hosts })
    }

    #[test]
    fn transfers_run_in_the_order_of_their_tokens() {
        let host = Arc::new(Mutex::new(Multiplier::default()));
        let execution = run(LOOP, vec![host.clone()]).expect("it runs");
        let sent = &host.lock().expect("the run has ended").sent;
        assert_eq!(*sent, [(2, Some(0)), (2, Some(1)), (2, Some(2))]);
        let expected = ArrayLiteral::from_slice(&[2, 3], &[6f32, 12.0, 18.0, 24.0, 30.0, 36.0]);
        assert_eq!(execution.outputs[1], expected.expect("six elements").into());
        assert_eq!(execution.outputs[0].shape(), Shape::scalar(ElementType::Token));
    }

    #[test]
    fn what_the_host_cannot_do_is_an_error_with_a_place() {
        let error = |text: &str, hosts| run(text, hosts).expect_err("it fails").to_string();
        let message = error(LOOP, Vec::new());
        assert!(message.ends_with(&format!("send on channel 2: {NO_HOST}")), "{message}");
        let host =
            || Arc::new(Mutex::new(Multiplier { wrong_shape: true, ..Multiplier::default() }));
        let message = error(LOOP, vec![host()]);
        let expected = "recv on channel 3: the host gave f32[], the program waits for f32[2,3]";
        assert!(message.ends_with(expected), "{message}");
        let between_devices = LOOP.replace("channel_id=2, is_host_transfer=true", "channel_id=2");
        let message = error(&between_devices, vec![host()]);
        assert!(message.contains("transfers between devices are not supported"), "{message}");
    }

    #[test]
    fn a_program_with_transfers_can_be_stored() {
        let module = parse_module(SourceText::new("test", LOOP)).expect("a module");
        let program = Executable::compile(&module, &CompileOptions::v4(), 1, 1).expect("compiled");
        let bytes = program.serialize().expect("stored");
        let again = Executable::deserialize(&bytes, &TPU_V4).expect("read");
        assert_eq!(again.serialize().expect("stored again"), bytes);
        let text = format!("{:?}", again.program().steps);
        assert!(text.contains("Send(Transfer") && text.contains("Recv(Transfer"), "{text}");
    }
}
