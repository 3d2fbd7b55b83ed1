/* Rays that meet spheres, in f32. Input: columns and rows. Prints a picture: how bright the nearest
 * sphere is where the ray of a point meets it.
 */
typedef struct {
  float x, y, z;
} Vector;

static const struct {
  Vector centre;
  float radius;
} spheres[] = {{{0, 0, 5}, 1.5f}, {{-2, 1, 6}, 1}, {{2, -1, 4}, 0.75f}, {{0, -101.5f, 5}, 100}};

static float dot(Vector a, Vector b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static Vector scaled(Vector a, float by) { return (Vector){a.x * by, a.y * by, a.z * by}; }
static Vector minus(Vector a, Vector b) { return (Vector){a.x - b.x, a.y - b.y, a.z - b.z}; }
static Vector unit(Vector a) { return scaled(a, 1 / __builtin_sqrtf(dot(a, a))); }

/* The distance to the sphere's front, 0 where the ray passes it. */
static float distance(Vector ray, int i) {
  float along = dot(ray, spheres[i].centre);
  float square =
      along * along - dot(spheres[i].centre, spheres[i].centre) + spheres[i].radius * spheres[i].radius;
  return square < 0 ? 0 : along - __builtin_sqrtf(square);
}

static int shade(Vector ray) {
  float nearest = 1000;
  int met = -1;
  for (int i = 0; i < 4; i++) {
    float far = distance(ray, i);
    if (far > 0 && far < nearest) {
      nearest = far;
      met = i;
    }
  }
  if (met < 0) return 0;
  Vector normal = unit(minus(scaled(ray, nearest), spheres[met].centre));
  float light = dot(normal, unit((Vector){1, 2, -2}));
  return light < 0 ? 1 : 2 + (int)(light * 7);
}

void compute(const char* input) {
  int columns = parse_int(&input), rows = parse_int(&input);
  for (int row = 0; row < rows; row++) {
    for (int column = 0; column < columns; column++) {
      Vector ray = {(float)(2 * column - columns) / (float)columns, (float)(rows - 2 * row) / (float)rows,
                    1.5f};
      putchar(" .:-=+*%#@"[shade(unit(ray))]);
    }
    putchar('\n');
  }
}
