# The tag of what C++ throws, which no C++ code can define.
	.tagtype	__cpp_exception i32
	.weak	__cpp_exception
__cpp_exception:
