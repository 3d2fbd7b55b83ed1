/* What there is of <stdlib.h> is in pyvm.h. */
#include "pyvm.h"
