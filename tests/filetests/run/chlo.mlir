// test run
// Values, poles and places outside of the domain, from f64 arithmetic; 1e-5 is the tolerance.
func.func @main() {
  %c = stablehlo.constant dense<[0.00000000e+00, 2.50000000e-01, -7.50000000e-01, 9.99900000e-01, 1.00000000e+00, -1.00000000e+00, 2.50000000e+00, -4.00000000e+00, 1.00000000e-04]> : tensor<9xf32>
  %x = stablehlo.optimization_barrier %c : tensor<9xf32>
  %acos = chlo.acos %x : tensor<9xf32> -> tensor<9xf32>
  check.expect_almost_eq_const %acos, dense<[1.57079633e+00, 1.31811607e+00, 2.41885841e+00, 1.41434268e-02, 0.00000000e+00, 3.14159265e+00, 0x7FC00000, 0x7FC00000, 1.57069633e+00]> {tolerance = 1.0e-05 : f64} : tensor<9xf32>
  %acosh = chlo.acosh %x : tensor<9xf32> -> tensor<9xf32>
  check.expect_almost_eq_const %acosh, dense<[0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000, 0.00000000e+00, 0x7FC00000, 1.56679924e+00, 0x7FC00000, 0x7FC00000]> {tolerance = 1.0e-05 : f64} : tensor<9xf32>
  %asin = chlo.asin %x : tensor<9xf32> -> tensor<9xf32>
  check.expect_almost_eq_const %asin, dense<[0.00000000e+00, 2.52680255e-01, -8.48062079e-01, 1.55665290e+00, 1.57079633e+00, -1.57079633e+00, 0x7FC00000, 0x7FC00000, 9.99999976e-05]> {tolerance = 1.0e-05 : f64} : tensor<9xf32>
  %asinh = chlo.asinh %x : tensor<9xf32> -> tensor<9xf32>
  check.expect_almost_eq_const %asinh, dense<[0.00000000e+00, 2.47466462e-01, -6.93147181e-01, 8.81302863e-01, 8.81373587e-01, -8.81373587e-01, 1.64723115e+00, -2.09471255e+00, 9.99999973e-05]> {tolerance = 1.0e-05 : f64} : tensor<9xf32>
  %atan = chlo.atan %x : tensor<9xf32> -> tensor<9xf32>
  check.expect_almost_eq_const %atan, dense<[0.00000000e+00, 2.44978663e-01, -6.43501109e-01, 7.85348153e-01, 7.85398163e-01, -7.85398163e-01, 1.19028995e+00, -1.32581766e+00, 9.99999971e-05]> {tolerance = 1.0e-05 : f64} : tensor<9xf32>
  %atanh = chlo.atanh %x : tensor<9xf32> -> tensor<9xf32>
  check.expect_almost_eq_const %atanh, dense<[0.00000000e+00, 2.55412812e-01, -9.72955075e-01, 4.95163581e+00, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7FC00000, 9.99999978e-05]> {tolerance = 1.0e-05 : f64} : tensor<9xf32>
  %cosh = chlo.cosh %x : tensor<9xf32> -> tensor<9xf32>
  check.expect_almost_eq_const %cosh, dense<[1.00000000e+00, 1.03141310e+00, 1.29468328e+00, 1.54296310e+00, 1.54308063e+00, 1.54308063e+00, 6.13228948e+00, 2.73082328e+01, 1.00000000e+00]> {tolerance = 1.0e-05 : f64} : tensor<9xf32>
  %erf = chlo.erf %x : tensor<9xf32> -> tensor<9xf32>
  check.expect_almost_eq_const %erf, dense<[0.00000000e+00, 2.76326390e-01, -7.11155634e-01, 8.42659271e-01, 8.42700793e-01, -8.42700793e-01, 9.99593048e-01, -9.99999985e-01, 1.12837913e-04]> {tolerance = 1.0e-05 : f64} : tensor<9xf32>
  %erf_inv = chlo.erf_inv %x : tensor<9xf32> -> tensor<9xf32>
  check.expect_almost_eq_const %erf_inv, dense<[-7.46761833e-60, 2.25312055e-01, -8.13419848e-01, 2.75103544e+00, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7FC00000, 8.86226905e-05]> {tolerance = 1.0e-05 : f64} : tensor<9xf32>
  %erfc = chlo.erfc %x : tensor<9xf32> -> tensor<9xf32>
  check.expect_almost_eq_const %erfc, dense<[1.00000000e+00, 7.23673610e-01, 1.71115563e+00, 1.57340729e-01, 1.57299207e-01, 1.84270079e+00, 4.06952017e-04, 1.99999998e+00, 9.99887162e-01]> {tolerance = 1.0e-05 : f64} : tensor<9xf32>
  %sinh = chlo.sinh %x : tensor<9xf32> -> tensor<9xf32>
  check.expect_almost_eq_const %sinh, dense<[0.00000000e+00, 2.52612317e-01, -8.22316732e-01, 1.17504687e+00, 1.17520119e+00, -1.17520119e+00, 6.05020448e+00, -2.72899172e+01, 9.99999976e-05]> {tolerance = 1.0e-05 : f64} : tensor<9xf32>
  return
}
// ----
// evaluator: the same bits
// check.expect_almost_eq: pass (9 elements)
// check.expect_almost_eq: pass (9 elements)
// check.expect_almost_eq: pass (9 elements)
// check.expect_almost_eq: pass (9 elements)
// check.expect_almost_eq: pass (9 elements)
// check.expect_almost_eq: pass (9 elements)
// check.expect_almost_eq: pass (9 elements)
// check.expect_almost_eq: pass (9 elements)
// check.expect_almost_eq: pass (9 elements)
// check.expect_almost_eq: pass (9 elements)
// check.expect_almost_eq: pass (9 elements)
