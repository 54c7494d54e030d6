'use strict';
/**
 * Whose figures set the bounds of likelihood, and whose are reported. Named before anything was
 * measured; an application never moves from one to the other.
 */

/** Bounds and weights (src/reach) may be set on these. */
const TUNING = ['haproxy', 'memcached', 'sqlite3'];
/** No bound and no weight is ever set on these. */
const HELD_OUT = ['lighttpd', 'mosquitto', 'postgresql', 'redis', 'rsync', 'stunnel'];

module.exports = { TUNING, HELD_OUT };
