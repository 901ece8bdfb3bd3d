#loc2 = loc("-":2:26)
#loc3 = loc("-":2:56)
"builtin.module"() <{sym_name = "mixed"}> ({
  "func.func"() <{function_type = (tensor<1x4x4x2xf8E4M3FN>, tensor<3x3x2x4xf8E5M2>) -> tensor<1x4x4x4xf32>, sym_name = "main", sym_visibility = "public"}> ({
  ^bb0(%arg0: tensor<1x4x4x2xf8E4M3FN> loc("-":2:26), %arg1: tensor<3x3x2x4xf8E5M2> loc("-":2:56)):
    %0 = "stablehlo.convolution"(%arg0, %arg1) <{batch_group_count = 1 : i64, dimension_numbers = #stablehlo.conv<[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]>, feature_group_count = 1 : i64, padding = dense<1> : tensor<2x2xi64>}> : (tensor<1x4x4x2xf8E4M3FN>, tensor<3x3x2x4xf8E5M2>) -> tensor<1x4x4x4xf32> loc(#loc4)
    "func.return"(%0) : (tensor<1x4x4x4xf32>) -> () loc(#loc5)
  }) : () -> () loc(#loc1)
}) : () -> () loc(#loc)
#loc = loc("-":1:1)
#loc1 = loc("-":2:3)
#loc4 = loc("-":3:10)
#loc5 = loc("-":4:5)
