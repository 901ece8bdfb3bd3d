// test import
func.func @main() -> tensor<0xi32> {
  %0 = stablehlo.constant dense<0> : tensor<1xi32>
  %1 = stablehlo.add %0, %0 : tensor<1xi32>
  %2 = stablehlo.add %1, %1 : tensor<1xi32>
  %3 = stablehlo.add %2, %2 : tensor<1xi32>
  %4 = stablehlo.add %3, %3 : tensor<1xi32>
  %5 = stablehlo.add %4, %4 : tensor<1xi32>
  %6 = stablehlo.add %5, %5 : tensor<1xi32>
  %7 = stablehlo.add %6, %6 : tensor<1xi32>
  %8 = stablehlo.add %7, %7 : tensor<1xi32>
  %9 = stablehlo.add %8, %8 : tensor<1xi32>
  %10 = stablehlo.add %9, %9 : tensor<1xi32>
  %11 = stablehlo.add %10, %10 : tensor<1xi32>
  %12 = stablehlo.add %11, %11 : tensor<1xi32>
  %13 = stablehlo.add %12, %12 : tensor<1xi32>
  %14 = stablehlo.add %13, %13 : tensor<1xi32>
  %15 = stablehlo.add %14, %14 : tensor<1xi32>
  %16 = stablehlo.add %15, %15 : tensor<1xi32>
  %17 = stablehlo.add %16, %16 : tensor<1xi32>
  %18 = stablehlo.add %17, %17 : tensor<1xi32>
  %19 = stablehlo.add %18, %18 : tensor<1xi32>
  %20 = stablehlo.add %19, %19 : tensor<1xi32>
  %21 = stablehlo.add %20, %20 : tensor<1xi32>
  %22 = stablehlo.add %21, %21 : tensor<1xi32>
  %23 = stablehlo.add %22, %22 : tensor<1xi32>
  %24 = stablehlo.add %23, %23 : tensor<1xi32>
  %25 = stablehlo.add %24, %24 : tensor<1xi32>
  %26 = stablehlo.add %25, %25 : tensor<1xi32>
  %27 = stablehlo.add %26, %26 : tensor<1xi32>
  %28 = stablehlo.add %27, %27 : tensor<1xi32>
  %29 = stablehlo.add %28, %28 : tensor<1xi32>
  %30 = stablehlo.add %29, %29 : tensor<1xi32>
  %31 = stablehlo.add %30, %30 : tensor<1xi32>
  %32 = stablehlo.add %31, %31 : tensor<1xi32>
  %33 = stablehlo.add %32, %32 : tensor<1xi32>
  %34 = stablehlo.add %33, %33 : tensor<1xi32>
  %35 = stablehlo.add %34, %34 : tensor<1xi32>
  %36 = stablehlo.add %35, %35 : tensor<1xi32>
  %37 = stablehlo.add %36, %36 : tensor<1xi32>
  %38 = stablehlo.add %37, %37 : tensor<1xi32>
  %39 = stablehlo.add %38, %38 : tensor<1xi32>
  %40 = stablehlo.add %39, %39 : tensor<1xi32>
  %r = "stablehlo.dynamic_iota"(%40) <{iota_dimension = 0 : i64}> : (tensor<1xi32>) -> tensor<0xi32>
  return %r : tensor<0xi32>
}
// ----
// HloModule main
//
// ENTRY %main () -> s32[0] {
//   %constant = s32[1] constant({0})
//   %add = s32[1] add(%constant, %constant)
//   %add.1 = s32[1] add(%add, %add)
//   %add.2 = s32[1] add(%add.1, %add.1)
//   %add.3 = s32[1] add(%add.2, %add.2)
//   %add.4 = s32[1] add(%add.3, %add.3)
//   %add.5 = s32[1] add(%add.4, %add.4)
//   %add.6 = s32[1] add(%add.5, %add.5)
//   %add.7 = s32[1] add(%add.6, %add.6)
//   %add.8 = s32[1] add(%add.7, %add.7)
//   %add.9 = s32[1] add(%add.8, %add.8)
//   %add.10 = s32[1] add(%add.9, %add.9)
//   %add.11 = s32[1] add(%add.10, %add.10)
//   %add.12 = s32[1] add(%add.11, %add.11)
//   %add.13 = s32[1] add(%add.12, %add.12)
//   %add.14 = s32[1] add(%add.13, %add.13)
//   %add.15 = s32[1] add(%add.14, %add.14)
//   %add.16 = s32[1] add(%add.15, %add.15)
//   %add.17 = s32[1] add(%add.16, %add.16)
//   %add.18 = s32[1] add(%add.17, %add.17)
//   %add.19 = s32[1] add(%add.18, %add.18)
//   %add.20 = s32[1] add(%add.19, %add.19)
//   %add.21 = s32[1] add(%add.20, %add.20)
//   %add.22 = s32[1] add(%add.21, %add.21)
//   %add.23 = s32[1] add(%add.22, %add.22)
//   %add.24 = s32[1] add(%add.23, %add.23)
//   %add.25 = s32[1] add(%add.24, %add.24)
//   %add.26 = s32[1] add(%add.25, %add.25)
//   %add.27 = s32[1] add(%add.26, %add.26)
//   %add.28 = s32[1] add(%add.27, %add.27)
//   %add.29 = s32[1] add(%add.28, %add.28)
//   %add.30 = s32[1] add(%add.29, %add.29)
//   %add.31 = s32[1] add(%add.30, %add.30)
//   %add.32 = s32[1] add(%add.31, %add.31)
//   %add.33 = s32[1] add(%add.32, %add.32)
//   %add.34 = s32[1] add(%add.33, %add.33)
//   %add.35 = s32[1] add(%add.34, %add.34)
//   %add.36 = s32[1] add(%add.35, %add.35)
//   %add.37 = s32[1] add(%add.36, %add.36)
//   %add.38 = s32[1] add(%add.37, %add.37)
//   %add.39 = s32[1] add(%add.38, %add.38)
//   ROOT %iota = s32[0] iota(), iota_dimension=0
// }
