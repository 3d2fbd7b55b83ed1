/* What there is of <ctype.h> is in pyvm.h. */
#include "pyvm.h"
