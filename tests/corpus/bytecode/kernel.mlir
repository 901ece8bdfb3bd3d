#loc1 = loc("x")
"builtin.module"() <{sym_name = "jit_kernel"}> ({
  "func.func"() <{arg_attrs = [{}], function_type = (tensor<8x128xf32>) -> tensor<8x128xf32>, res_attrs = [{jax.result_info = "result"}], sym_name = "main", sym_visibility = "public"}> ({
  ^bb0(%arg0: tensor<8x128xf32> loc("x")):
    %0 = "stablehlo.custom_call"(%arg0) <{backend_config = "{\22custom_call_config\22: {\22body\22: \22TUzvUgFNTElSMjMuMC4wZ2l0AAEjCQEDBQcBAwkDDwsNDxETFRcDj2sRAWUHEw8PDw8LCw8XCw8TCw87CwsLC4ULCwsLCw8LDw8LEx8LDwsTCwsPDwsXIwsPC1MLEwUFYU0HA1kBEQcjBxsPDxcLAp4EHwMDDTUdTU8dNzkdQ0URCQEFGQUbHT0TFxWGAysFHR1TVQMDGx0FHxEJLQMNISMlJysLLQsvMTNnBSEBAQUjDQ1hZmZpbmVfbWFwPChkMCwgZDEpIC0+IChkMCwgZDEpPgAFJQUnBSkFKwUtEQEBBS8dDzsVEREFMQMDDUETBRAAAAAQBTMdRxMFNQMDS2kFNwU5HQ9RFRcXBTsXFYYDEQMHWVtdX2FjBT0RDwAFPyMLCSEBAAAAAQAAAAIAAAAAAAAABUEjCwEBI3RwdS5tZW1vcnlfc3BhY2U8dm1lbT4AI3RwdS5jb3JlX3R5cGU8dGM+ACNhcml0aC5mYXN0bWF0aDxub25lPgADF2UFIQIEBSkLJwUhAgQFAQIEAQICBQUDAwEBCQTFBQERARkHAwEFBxEBHwcDFy8FAwEDAQMDBwMDAQMDBwMDAQUGBwMHBwEFBwMDCT8DBQkGCQMHAwsLBwlJAwcFCQ0DAwUDAwEDAwUDAwEFBgUDBwcDERMNBQVXCQ8DERMPAAEGAwEFAQDOBUMRKQkLDRMJCwkLHQ8TIyEdKS0RAw0ZIxcjFRkfDw0JHRFidWlsdGluAHN0YWJsZV9tb3NhaWMAdHB1AGFyaXRoAG1vZHVsZQBhcml0aC5jb25zdGFudAB2ZWN0b3IubG9hZABmdW5jLmZ1bmMAdmVjdG9yLmJyb2FkY2FzdABhcml0aC5tdWxmAHRwdS52ZWN0b3Jfc3RvcmUAZnVuYy5yZXR1cm4AdmFsdWUAAG1ha2UucHkAc3RhYmxlX21vc2FpYy52ZXJzaW9uAGRpbWVuc2lvbl9zZW1hbnRpY3MAZnVuY3Rpb25fdHlwZQBzY2FsYXJfcHJlZmV0Y2gAc2NyYXRjaF9vcGVyYW5kcwBzeW1fbmFtZQBkb3VibGUAdHB1LmNvcmVfdHlwZQBnZXQ6AGdldABtdWw6AG11bABmYXN0bWF0aABzd2FwOgBzd2FwAGFkZABvcGVyYW5kU2VnbWVudFNpemVzAHN0cmlkZXMA\22, \22serialization_format\22: 1, \22needs_layout_passes\22: true}}", call_target_name = "tpu_custom_call", operand_layouts = [dense<[1, 0]> : tensor<2xindex>], result_layouts = [dense<[1, 0]> : tensor<2xindex>]}> {kernel_name = "double", mhlo.frontend_attributes = {kernel_metadata = "{}"}} : (tensor<8x128xf32>) -> tensor<8x128xf32> loc(#loc6)
    "func.return"(%0) : (tensor<8x128xf32>) -> () loc(#loc5)
  }) : () -> () loc(#loc)
}) {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} : () -> () loc(#loc)
#loc = loc(unknown)
#loc2 = loc("make.py":227:11)
#loc3 = loc("make.py":247:14)
#loc4 = loc("jit(kernel)"(#loc2))
#loc5 = loc("jit(kernel)"(#loc3))
#loc6 = loc("pallas_call"(#loc4))
