/* Memory of the stack. */
#define alloca __builtin_alloca
