#loc2 = loc("-":2:26)
#loc3 = loc("-":2:47)
#loc7 = loc("-":6:10)
#loc8 = loc("-":6:27)
"builtin.module"() <{sym_name = "recent"}> ({
  "func.func"() <{function_type = (tensor<4x8xf32>, tensor<1xi32>) -> (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>), sym_name = "main", sym_visibility = "public"}> ({
  ^bb0(%arg0: tensor<4x8xf32> loc("-":2:26), %arg1: tensor<1xi32> loc("-":2:47)):
    %0 = "stablehlo.collective_broadcast"(%arg0) <{channel_handle = #stablehlo.channel_handle<handle = 1, type = 0>, replica_groups = dense<[[0, 1], [2, 3]]> : tensor<2x2xi64>}> : (tensor<4x8xf32>) -> tensor<4x8xf32> loc(#loc4)
    %1 = "stablehlo.collective_broadcast"(%arg0, %arg1) <{has_dynamic_root, replica_groups = dense<[[0, 1], [2, 3]]> : tensor<2x2xi64>}> : (tensor<4x8xf32>, tensor<1xi32>) -> tensor<4x8xf32> loc(#loc5)
    %2 = "stablehlo.collective_reduce"(%arg0, %arg1) <{channel_handle = #stablehlo.channel_handle<handle = 2, type = 0>, has_dynamic_root, replica_groups = dense<[[0, 1], [2, 3]]> : tensor<2x2xi64>, use_global_device_ids}> ({
    ^bb0(%arg2: tensor<f32> loc("-":6:10), %arg3: tensor<f32> loc("-":6:27)):
      %4 = "stablehlo.add"(%arg2, %arg3) : (tensor<f32>, tensor<f32>) -> tensor<f32> loc(#loc9)
      "stablehlo.return"(%4) : (tensor<f32>) -> () loc(#loc10)
    }) : (tensor<4x8xf32>, tensor<1xi32>) -> tensor<4x8xf32> loc(#loc6)
    %3 = "stablehlo.custom_call"(%arg0) <{call_target_name = "target", operand_layouts = [dense<[1, 0]> : tensor<2xindex>], result_layouts = [dense<[1, 0]> : tensor<2xindex>]}> : (tensor<4x8xf32>) -> tensor<4x8xf32> loc(#loc11)
    "func.return"(%0, %1, %2, %3) : (tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>) -> () loc(#loc12)
  }) : () -> () loc(#loc1)
}) {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 4 : i32} : () -> () loc(#loc)
#loc = loc("-":1:1)
#loc1 = loc("-":2:3)
#loc4 = loc("-":3:10)
#loc5 = loc("-":4:10)
#loc6 = loc("-":5:10)
#loc9 = loc("-":7:12)
#loc10 = loc("-":8:7)
#loc11 = loc("-":10:10)
#loc12 = loc("-":11:5)
