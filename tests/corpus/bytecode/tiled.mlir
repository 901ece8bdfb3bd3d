#loc2 = loc("-":2:26)
"builtin.module"() <{sym_name = "tiled"}> ({
  "func.func"() <{function_type = (tensor<16x256xbf16>) -> (tensor<16x256xbf16>, tensor<16x256xbf16>), sym_name = "main", sym_visibility = "public"}> ({
  ^bb0(%arg0: tensor<16x256xbf16> loc("-":2:26)):
    %0 = "stablehlo.custom_call"(%arg0) <{call_target_name = "one", operand_layouts = [dense<[1, 0]> : tensor<2xindex>], result_layouts = [dense<[1, 0]> : tensor<2xindex>], result_tilings = [[dense<[8, 128]> : tensor<2xindex>, dense<[2, 1]> : tensor<2xindex>]]}> : (tensor<16x256xbf16>) -> tensor<16x256xbf16> loc(#loc3)
    %1 = "stablehlo.custom_call"(%0) <{call_target_name = "two", operand_layouts = [dense<[1, 0]> : tensor<2xindex>], result_layouts = [dense<[0, 1]> : tensor<2xindex>], result_tilings = [[]]}> : (tensor<16x256xbf16>) -> tensor<16x256xbf16> loc(#loc4)
    "func.return"(%0, %1) : (tensor<16x256xbf16>, tensor<16x256xbf16>) -> () loc(#loc5)
  }) : () -> () loc(#loc1)
}) : () -> () loc(#loc)
#loc = loc("-":1:1)
#loc1 = loc("-":2:3)
#loc3 = loc("-":3:10)
#loc4 = loc("-":4:10)
#loc5 = loc("-":5:5)
