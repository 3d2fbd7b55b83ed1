/* What there is of <strings.h> is in pyvm.h. */
#include "pyvm.h"
