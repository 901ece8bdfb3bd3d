#loc1 = loc("a")
#loc3 = loc("shard_map")
#loc5 = loc("psum")
#loc8 = loc("shard_map:"(#loc3))
#loc10 = loc("psum:"(#loc5))
"builtin.module"() <{sym_name = "jit_partly_manual"}> ({
  "sdy.mesh"() <{mesh = #sdy.mesh<["x"=2, "y"=4]>, sym_name = "mesh"}> {stablehlo.mesh = {axes = [{name = "x", size = 2 : i64}, {name = "y", size = 4 : i64}]}} : () -> () loc(#loc)
  "func.func"() <{arg_attrs = [{}], function_type = (tensor<8x8xf32>) -> tensor<4x8xf32>, res_attrs = [{jax.result_info = "result"}], sym_name = "main", sym_visibility = "public"}> ({
  ^bb0(%arg0: tensor<8x8xf32> loc("a")):
    %0 = "sdy.manual_computation"(%arg0) <{in_shardings = #sdy.sharding_per_value<[<@mesh, [{"x", ?}, {?}]>]>, manual_axes = #sdy<manual_axes{"x"}>, out_shardings = #sdy.sharding_per_value<[<@mesh, [{?}, {?}]>]>}> ({
    ^bb0(%arg1: tensor<4x8xf32> loc("shard_map:"(#loc3))):
      %1 = "stablehlo.constant"() <{value = dense<2.000000e+00> : tensor<f32>}> : () -> tensor<f32> loc(#loc8)
      %2 = "stablehlo.all_reduce"(%arg1) <{channel_handle = #stablehlo.channel_handle<handle = 1, type = 0>, replica_groups = dense<[[0, 4], [1, 5], [2, 6], [3, 7]]> : tensor<4x2xi64>, use_global_device_ids}> ({
      ^bb0(%arg2: tensor<f32> loc("psum:"(#loc5)), %arg3: tensor<f32> loc("psum:"(#loc5))):
        %7 = "stablehlo.add"(%arg2, %arg3) : (tensor<f32>, tensor<f32>) -> tensor<f32> loc(#loc16)
        %8 = "sdy.sharding_constraint"(%7) <{sharding = #sdy.sharding<@mesh, []>}> : (tensor<f32>) -> tensor<f32> loc(#loc16)
        "stablehlo.return"(%8) : (tensor<f32>) -> () loc(#loc9)
      }) : (tensor<4x8xf32>) -> tensor<4x8xf32> loc(#loc9)
      %3 = "stablehlo.broadcast_in_dim"(%1) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4x8xf32> loc(#loc12)
      %4 = "sdy.sharding_constraint"(%3) <{sharding = #sdy.sharding<@mesh, [{?}, {?}]>}> : (tensor<4x8xf32>) -> tensor<4x8xf32> loc(#loc12)
      %5 = "stablehlo.multiply"(%2, %4) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32> loc(#loc12)
      %6 = "sdy.sharding_constraint"(%5) <{sharding = #sdy.sharding<@mesh, [{?}, {?}]>}> : (tensor<4x8xf32>) -> tensor<4x8xf32> loc(#loc12)
      "sdy.return"(%6) : (tensor<4x8xf32>) -> () loc(#loc8)
    }) : (tensor<8x8xf32>) -> tensor<4x8xf32> loc(#loc14)
    "func.return"(%0) : (tensor<4x8xf32>) -> () loc(#loc13)
  }) : () -> () loc(#loc)
}) {mhlo.num_partitions = 8 : i32, mhlo.num_replicas = 1 : i32} : () -> () loc(#loc)
#loc = loc(unknown)
#loc2 = loc("make.py":200:11)
#loc4 = loc("make.py":197:15)
#loc6 = loc("make.py":246:15)
#loc7 = loc("jit(partly_manual)"(#loc2))
#loc9 = loc("psum"(#loc4))
#loc11 = loc("add"(#loc4))
#loc12 = loc("mul"(#loc4))
#loc13 = loc("jit(partly_manual)"(#loc6))
#loc14 = loc("shard_map"(#loc7))
#loc15 = loc(callsite(#loc11 at #loc4))
#loc16 = loc(""(#loc15))
