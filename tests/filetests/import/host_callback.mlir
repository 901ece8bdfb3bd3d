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
