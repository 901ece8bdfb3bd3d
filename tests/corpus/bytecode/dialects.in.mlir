module @dialects {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  sdy.mesh @reversed = <["x"=2], device_ids=[1, 0]>
  sdy.mesh @"strange name" = <["x"=2]>
  sdy.mesh @empty = <[]>
  sdy.mesh @single = <[], device_ids=[3]>
  func.func @main(%a: tensor<8x8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x", ?}p1, {?}]>, tf.aliasing_output = 0 : i32}, %b: tensor<8xf8E5M2>) -> (tensor<8x8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"y":(1)2}, {}], replicated={"x"}>}, tensor<8xf8E5M2>) {
    %0 = sdy.sharding_constraint %a <@mesh, [{}, {"x", "y"}]> : tensor<8x8xf32>
    %1 = sdy.reshard %0 <@mesh, [{"x"}, {}], unreduced={"y"}> : tensor<8x8xf32>
    %2 = sdy.sharding_constraint %b <@"strange name", [{"x"}]> : tensor<8xf8E5M2>
    sdy.sharding_group %1 group_id=3 : tensor<8x8xf32>
    %3 = sdy.manual_computation(%1) in_shardings=[<@mesh, [{"x"}, {}]>] out_shardings=[<@mesh, [{"x"}, {}]>] manual_axes={"x"} (%c: tensor<4x8xf32>) {
      %5 = stablehlo.add %c, %c {sdy.sharding = #sdy.sharding_per_value<[<@mesh, [{}, {"y"}]>]>} : tensor<4x8xf32>
      sdy.return %5 : tensor<4x8xf32>
    } : (tensor<8x8xf32>) -> tensor<8x8xf32>
    %4 = stablehlo.negate %3 {mhlo.frontend_attributes = {_xla_compute_type = "host"}, mhlo.sharding = "{devices=[2,4]<=[8]}"} : tensor<8x8xf32>
    return %4, %2 : tensor<8x8xf32>, tensor<8xf8E5M2>
  }
}
