module @old {
  func.func public @main(%a: tensor<4x8xf32> {mhlo.sharding = "{replicated}"}, %i: tensor<2x1xi32>) -> (tensor<4x8xf32> {jax.result_info = ""}) {
    %0 = stablehlo.constant dense<[[1, 2, 3, 4], [5, 6, 7, 8]]> : tensor<2x4xi64>
    %1 = stablehlo.constant dense<[true, false, true, true, false, true, true, true, false, true]> : tensor<10xi1>
    %2 = "stablehlo.all_reduce"(%a) ({
    ^bb0(%x: tensor<f32>, %y: tensor<f32>):
      %z = stablehlo.add %x, %y : tensor<f32>
      stablehlo.return %z : tensor<f32>
    }) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>, channel_handle = #stablehlo.channel_handle<handle = 3, type = 0>, use_global_device_ids} : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %3 = "stablehlo.gather"(%2, %i) {dimension_numbers = #stablehlo.gather<offset_dims = [1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: 1, 8>, indices_are_sorted = true} : (tensor<4x8xf32>, tensor<2x1xi32>) -> tensor<2x8xf32>
    %4 = "stablehlo.scatter"(%2, %i, %3) ({
    ^bb0(%x: tensor<f32>, %y: tensor<f32>):
      stablehlo.return %y : tensor<f32>
    }) {scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>} : (tensor<4x8xf32>, tensor<2x1xi32>, tensor<2x8xf32>) -> tensor<4x8xf32>
    %5 = stablehlo.exponential %4 : tensor<4x8xf32>
    %6 = call @twice(%5) : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %7 = stablehlo.custom_call @Sharding(%6) {mhlo.sharding = "{devices=[2,1]0,1}"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %8 = "stablehlo.all_gather"(%7) {all_gather_dim = 0 : i64, replica_groups = dense<[[0], [1]]> : tensor<2x1xi64>} : (tensor<4x8xf32>) -> tensor<4x8xf32>
    stablehlo.custom_call @sink(%0, %1, %8) {has_side_effect = true} : (tensor<2x4xi64>, tensor<10xi1>, tensor<4x8xf32>) -> ()
    return %7 : tensor<4x8xf32>
  }
  func.func private @twice(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
    %0 = stablehlo.add %x, %x : tensor<4x8xf32>
    return %0 : tensor<4x8xf32>
  }
}
