/* What there is of <stdio.h> is in pyvm.h. */
#include "pyvm.h"
