# The tag of what longjmp throws, which no C code can define.
	.tagtype	__c_longjmp i32
	.weak	__c_longjmp
__c_longjmp:
