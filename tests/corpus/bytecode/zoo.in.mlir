module @zoo attributes {mhlo.num_partitions = 1 : i32, mhlo.frontend_attributes = {a = "b"}} {
  func.func @main(%a: tensor<4x8xf32> {jax.buffer_donor = true, mhlo.layout_mode = "{0,1}", mhlo.memory_kind = "pinned_host", mhlo.sharding = "{replicated}"}, %d: tensor<?x4xf32, #stablehlo.bounds<5, ?>>, %t: !stablehlo.token {jax.token = true}) -> (tensor<4x8xf32> {jax.result_info = "result", mhlo.layout_mode = "auto"}, !stablehlo.token) {
    %8 = stablehlo.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]> : tensor<8xf32>
    %0 = "stablehlo.exponential"(%a) {result_accuracy = #stablehlo.result_accuracy<atol = 1.0e-5, rtol = 0.5, ulps = 2, mode = #stablehlo.result_accuracy_mode<TOLERANCE>>} : (tensor<4x8xf32>) -> tensor<4x8xf32> loc(fused<"pass">["outer"("inner"("file.py":3:4)), unknown])
    %1 = "stablehlo.tanh"(%0) {result_accuracy = #stablehlo.result_accuracy<mode = #stablehlo.result_accuracy_mode<HIGHEST>>} : (tensor<4x8xf32>) -> tensor<4x8xf32> loc(callsite("f"("g.py":1:2 to 3:4) at callsite("h.py":5:6 at unknown)))
    %2:2 = stablehlo.custom_call @foo(%a, %1) {api_version = 4 : i32, backend_config = {a = 1 : i32, b = "x", c = true, d = [1.5 : f32, 0x7FC00000 : f32], e = f32, g = unit}, has_side_effect = true, called_computations = [@bar], operand_layouts = [dense<[1, 0]> : tensor<2xindex>, dense<[0, 1]> : tensor<2xindex>], result_layouts = [dense<[0, 1]> : tensor<2xindex>, dense<[1, 0]> : tensor<2xindex>], output_operand_aliases = [#stablehlo.output_operand_alias<output_tuple_indices = [1], operand_index = 0, operand_tuple_indices = []>], mhlo.frontend_attributes = {x = "y"}} : (tensor<4x8xf32>, tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) loc("name with \22quotes\22")
    %3 = stablehlo.fft %a, type = RFFT, length = [8] : (tensor<4x8xf32>) -> tensor<4x5xcomplex<f32>>
    %4 = "stablehlo.dot_general"(%a, %a) <{dot_dimension_numbers = #stablehlo.dot<lhs_batching_dimensions = [0], rhs_batching_dimensions = [0], lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1]>, precision_config = [#stablehlo<precision HIGH>, #stablehlo<precision DEFAULT>]}> : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4xf32>
    %5:3 = "stablehlo.batch_norm_training"(%a, %8, %8) {epsilon = 0.0009765625 : f32, feature_index = 1 : i64} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>) -> (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>)
    %6 = "stablehlo.batch_norm_inference"(%a, %8, %8, %8, %8) {epsilon = 0.5 : f32, feature_index = 1 : i64} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
    %7:3 = "stablehlo.batch_norm_grad"(%a, %8, %8, %8, %a) {epsilon = 0.5 : f32, feature_index = 1 : i64} : (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<8xf32>, tensor<8xf32>)
    %9 = "stablehlo.send"(%a, %t) {channel_handle = #stablehlo.channel_handle<handle = 5, type = 2>, is_host_transfer = true} : (tensor<4x8xf32>, !stablehlo.token) -> !stablehlo.token
    %10 = "stablehlo.send"(%a, %t) {channel_handle = #stablehlo.channel_handle<handle = 0, type = 1>} : (tensor<4x8xf32>, !stablehlo.token) -> !stablehlo.token
    %11:2 = "stablehlo.recv"(%9) {channel_handle = #stablehlo.channel_handle<handle = 5, type = 3>, is_host_transfer = true} : (!stablehlo.token) -> (tensor<4x8xf32>, !stablehlo.token)
    %12:2 = "stablehlo.infeed"(%9) {infeed_config = "abc", layout = [[1, 0]]} : (!stablehlo.token) -> (tensor<4x8xf32>, !stablehlo.token)
    %13 = "stablehlo.outfeed"(%a, %9) {outfeed_config = ""} : (tensor<4x8xf32>, !stablehlo.token) -> !stablehlo.token
    %14 = stablehlo.after_all %9, %13, %10 : !stablehlo.token
    %15 = stablehlo.constant dense<1> : tensor<2xui64>
    %16:2 = stablehlo.rng_bit_generator %15, algorithm = PHILOX : (tensor<2xui64>) -> (tensor<2xui64>, tensor<4xui32>)
    %17 = stablehlo.constant dense<1> : tensor<1xi64>
    %18 = stablehlo.constant dense<1.0> : tensor<f32>
    %19 = stablehlo.rng %18, %18, %17, distribution = NORMAL : (tensor<f32>, tensor<f32>, tensor<1xi64>) -> tensor<1xf32>
    %20 = "stablehlo.all_gather"(%a) {all_gather_dim = 0 : i64, replica_groups = dense<0> : tensor<1x1xi64>} : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %21 = stablehlo.constant dense<1.0> : tensor<4x4xf32>
    %22 = "stablehlo.triangular_solve"(%21, %21) {left_side = true, lower = true, unit_diagonal = false, transpose_a = #stablehlo<transpose ADJOINT>} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    %23 = stablehlo.cholesky %21, lower = true : tensor<4x4xf32>
    %24 = stablehlo.cholesky %21 : tensor<4x4xf32>
    %25 = stablehlo.constant dense<1.0> : tensor<1x8x8x1xf32>
    %26 = stablehlo.constant dense<1.0> : tensor<3x3x1x1xf32>
    %27 = stablehlo.convolution(%25, %26) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {reverse = [true, false], rhs_dilate = [2, 1]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x8x8x1xf32>, tensor<3x3x1x1xf32>) -> tensor<1x4x6x1xf32>
    %28 = stablehlo.compare LT, %a, %a, TOTALORDER : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xi1>
    %29 = stablehlo.tuple %a, %9 : tuple<tensor<4x8xf32>, !stablehlo.token>
    %30 = stablehlo.get_tuple_element %29[0] : (tuple<tensor<4x8xf32>, !stablehlo.token>) -> tensor<4x8xf32>
    %31 = stablehlo.constant dense<[1.0, 2.0]> : tensor<2xf8E4M3FN>
    %32 = stablehlo.constant dense<[1, -2]> : tensor<2xi4>
    %33 = stablehlo.constant dense<[(1.0, 2.0), (3.0, 4.0)]> : tensor<2xcomplex<f32>>
    %34 = stablehlo.constant dense<[1, 2]> : tensor<2xui2>
    %35:2 = stablehlo.composite "foo.bar" %a, %a {composite_attributes = {k = 3 : i64, l = dense<[1, 2]> : tensor<2xi32>}, decomposition = @dec, version = 2 : i32} : (tensor<4x8xf32>, tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>)
    %36 = stablehlo.constant dense<[1, 2]> : tensor<2xi64>
    %37 = "stablehlo.dynamic_broadcast_in_dim"(%18, %36) {broadcast_dimensions = array<i64>, known_nonexpanding_dimensions = array<i64>} : (tensor<f32>, tensor<2xi64>) -> tensor<?x?xf32>
    %38 = stablehlo.get_dimension_size %37, dim = 0 : (tensor<?x?xf32>) -> tensor<i32>
    %39 = "stablehlo.map"(%a) ({
    ^bb0(%x: tensor<f32>):
      %y = stablehlo.negate %x : tensor<f32>
      stablehlo.return %y : tensor<f32>
    }) {dimensions = array<i64: 0, 1>} : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %40 = "stablehlo.reduce_precision"(%a) {exponent_bits = 5 : i32, mantissa_bits = 10 : i32} : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %41 = "stablehlo.reduce_window"(%a, %18) ({
    ^bb0(%x: tensor<f32>, %y: tensor<f32>):
      %z = stablehlo.add %x, %y : tensor<f32>
      stablehlo.return %z : tensor<f32>
    }) {window_dimensions = array<i64: 1, 2>, padding = dense<[[0, 0], [1, 0]]> : tensor<2x2xi64>} : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
    %42 = "stablehlo.sort"(%a) ({
    ^bb0(%x: tensor<f32>, %y: tensor<f32>):
      %z = stablehlo.compare LT, %x, %y : (tensor<f32>, tensor<f32>) -> tensor<i1>
      stablehlo.return %z : tensor<i1>
    }) : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %43 = "stablehlo.einsum"(%a, %a) {einsum_config = "ab,cb->ac"} : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x4xf32>
    %44 = "stablehlo.collective_permute"(%a) {source_target_pairs = dense<[[0, 1]]> : tensor<1x2xi64>} : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %45 = "stablehlo.collective_broadcast"(%a) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>} : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %46 = "stablehlo.cross-replica-sum"(%a) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>} : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %47 = stablehlo.create_token : !stablehlo.token
    %48 = stablehlo.partition_id : tensor<ui32>
    %49 = stablehlo.replica_id : tensor<ui32>
    %50 = "stablehlo.torch_index_select"(%a, %36) {dim = 0 : i64, batch_dims = 0 : i64} : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<2x8xf32>
    %51 = "stablehlo.broadcast"(%a) {broadcast_sizes = array<i64: 2>} : (tensor<4x8xf32>) -> tensor<2x4x8xf32>
    %52 = stablehlo.dot %a, %8, precision = [HIGHEST, HIGHEST] : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4xf32>
    %53 = "stablehlo.set_dimension_size"(%a, %38) {dimension = 0 : i64} : (tensor<4x8xf32>, tensor<i32>) -> tensor<?x8xf32, #stablehlo.bounds<4, ?>>
    stablehlo.custom_call @sink(%2#0, %3, %4, %5#0, %6, %7#0, %11#0, %12#0, %14, %16#0, %19, %20, %22, %23, %24, %27, %28, %30, %31, %32, %33, %34) {has_side_effect = true, backend_config = "text"} : (tensor<4x8xf32>, tensor<4x5xcomplex<f32>>, tensor<4xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, !stablehlo.token, tensor<2xui64>, tensor<1xf32>, tensor<4x8xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<1x4x6x1xf32>, tensor<4x8xi1>, tensor<4x8xf32>, tensor<2xf8E4M3FN>, tensor<2xi4>, tensor<2xcomplex<f32>>, tensor<2xui2>) -> ()
    stablehlo.custom_call @sink(%35#0, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53) {has_side_effect = true} : (tensor<4x8xf32>, tensor<?x?xf32>, tensor<i32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x4xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, !stablehlo.token, tensor<ui32>, tensor<ui32>, tensor<2x8xf32>, tensor<2x4x8xf32>, tensor<4xf32>, tensor<?x8xf32, #stablehlo.bounds<4, ?>>) -> ()
    return %1, %9 : tensor<4x8xf32>, !stablehlo.token
  }
  func.func private @bar(%x: tensor<f32>) -> tensor<f32> {
    return %x : tensor<f32>
  }
  func.func private @dec(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
    return %y, %x : tensor<4x8xf32>, tensor<4x8xf32>
  }
  func.func private @declared(tensor<4xf32>) -> tensor<4xf32>
}
