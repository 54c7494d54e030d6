// `import('./file.js')` in src/ names what the build makes; tests run on ./file.ts.
'use strict';

module.exports = (request, options) => {
  try {
    return options.defaultResolver(request, options);
  } catch (error) {
    if (!/^\.{1,2}\/.*\.js$/.test(request)) throw error;
    return options.defaultResolver(request.slice(0, -'.js'.length), options);
  }
};
