// test import
func.func public @main(%arg0: !stablehlo.token {jax.token = true}, %arg1: tensor<2x3xf32>) -> (!stablehlo.token {jax.token = true}, tensor<2x3xf32>) {
  %new = stablehlo.create_token : !stablehlo.token
  %both = stablehlo.after_all %arg0, %new : !stablehlo.token
  %0 = "stablehlo.send"(%arg1, %both) <{channel_handle = #stablehlo.channel_handle<handle = 2, type = 2>, is_host_transfer = true}> {mhlo.frontend_attributes = {_xla_host_transfer_handler_name = "pjrt_rendezvous", _xla_host_transfer_rendezvous = "2"}} : (tensor<2x3xf32>, !stablehlo.token) -> !stablehlo.token
  %1:2 = "stablehlo.recv"(%0) <{channel_handle = #stablehlo.channel_handle<handle = 3, type = 3>, is_host_transfer = true}> {mhlo.frontend_attributes = {_xla_host_transfer_handler_name = "pjrt_rendezvous", _xla_host_transfer_rendezvous = "3"}} : (!stablehlo.token) -> (tensor<2x3xf32>, !stablehlo.token)
  %2:2 = stablehlo.optimization_barrier %1#1, %1#0 : !stablehlo.token, tensor<2x3xf32>
  return %2#0, %2#1 : !stablehlo.token, tensor<2x3xf32>
}
// ----
// HloModule main, frontend_attributes={result.0.jax.token="true"}
//
// ENTRY %main (Arg_0: token[], Arg_1: f32[2,3]) -> (token[], f32[2,3]) {
//   %Arg_0 = token[] parameter(0), frontend_attributes={jax.token="true"}
//   %Arg_1 = f32[2,3] parameter(1)
//   %after-all = token[] after-all()
//   %after-all.1 = token[] after-all(%Arg_0, %after-all)
//   %send = (f32[2,3], u32[], token[]) send(%Arg_1, %after-all.1), channel_id=2, is_host_transfer=true, frontend_attributes={_xla_host_transfer_handler_name="pjrt_rendezvous",_xla_host_transfer_rendezvous="2"}
//   %send-done = token[] send-done(%send), channel_id=2, is_host_transfer=true, frontend_attributes={_xla_host_transfer_handler_name="pjrt_rendezvous",_xla_host_transfer_rendezvous="2"}
//   %recv = (f32[2,3], u32[], token[]) recv(%send-done), channel_id=3, is_host_transfer=true, frontend_attributes={_xla_host_transfer_handler_name="pjrt_rendezvous",_xla_host_transfer_rendezvous="3"}
//   %recv-done = (f32[2,3], token[]) recv-done(%recv), channel_id=3, is_host_transfer=true, frontend_attributes={_xla_host_transfer_handler_name="pjrt_rendezvous",_xla_host_transfer_rendezvous="3"}
//   %get-tuple-element = f32[2,3] get-tuple-element(%recv-done), index=0
//   %get-tuple-element.1 = token[] get-tuple-element(%recv-done), index=1
//   %tuple = (token[], f32[2,3]) tuple(%get-tuple-element.1, %get-tuple-element)
//   %opt-barrier = (token[], f32[2,3]) opt-barrier(%tuple)
//   %get-tuple-element.2 = token[] get-tuple-element(%opt-barrier), index=0
//   %get-tuple-element.3 = f32[2,3] get-tuple-element(%opt-barrier), index=1
//   ROOT %tuple.1 = (token[], f32[2,3]) tuple(%get-tuple-element.2, %get-tuple-element.3)
// }
