/* What there is of <memory.h> is in pyvm.h. */
#include "pyvm.h"
