/* What there is of <string.h> is in pyvm.h. */
#include "pyvm.h"
