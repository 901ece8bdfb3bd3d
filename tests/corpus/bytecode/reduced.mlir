#loc2 = loc("-":2:26)
#loc4 = loc("-":4:10)
#loc5 = loc("-":4:27)
"builtin.module"() <{sym_name = "reduced"}> ({
  "func.func"() <{function_type = (tensor<4x8xf32>) -> tensor<4x8xf32>, sym_name = "main", sym_visibility = "public"}> ({
  ^bb0(%arg0: tensor<4x8xf32> loc("-":2:26)):
    %0 = "stablehlo.collective_reduce"(%arg0) <{replica_groups = dense<[[0, 1], [2, 3]]> : tensor<2x2xi64>}> ({
    ^bb0(%arg1: tensor<f32> loc("-":4:10), %arg2: tensor<f32> loc("-":4:27)):
      %1 = "stablehlo.maximum"(%arg1, %arg2) : (tensor<f32>, tensor<f32>) -> tensor<f32> loc(#loc6)
      "stablehlo.return"(%1) : (tensor<f32>) -> () loc(#loc7)
    }) : (tensor<4x8xf32>) -> tensor<4x8xf32> loc(#loc3)
    "func.return"(%0) : (tensor<4x8xf32>) -> () loc(#loc8)
  }) : () -> () loc(#loc1)
}) {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 4 : i32} : () -> () loc(#loc)
#loc = loc("-":1:1)
#loc1 = loc("-":2:3)
#loc3 = loc("-":3:10)
#loc6 = loc("-":5:12)
#loc7 = loc("-":6:7)
#loc8 = loc("-":8:5)
