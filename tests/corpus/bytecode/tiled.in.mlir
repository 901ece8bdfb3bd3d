module @tiled {
  func.func public @main(%x: tensor<16x256xbf16>) -> (tensor<16x256xbf16>, tensor<16x256xbf16>) {
    %0 = stablehlo.custom_call @one(%x) {operand_layouts = [dense<[1, 0]> : tensor<2xindex>], result_layouts = [dense<[1, 0]> : tensor<2xindex>], result_tilings = [[dense<[8, 128]> : tensor<2xindex>, dense<[2, 1]> : tensor<2xindex>]]} : (tensor<16x256xbf16>) -> tensor<16x256xbf16>
    %1 = stablehlo.custom_call @two(%0) {operand_layouts = [dense<[1, 0]> : tensor<2xindex>], result_layouts = [dense<[0, 1]> : tensor<2xindex>], result_tilings = [[]]} : (tensor<16x256xbf16>) -> tensor<16x256xbf16>
    return %0, %1 : tensor<16x256xbf16>, tensor<16x256xbf16>
  }
}
