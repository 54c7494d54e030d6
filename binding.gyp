{
  'variables': {
    'cxx': ['-std=c++20', '-Wall', '-Wextra', '-Wno-unused-parameter', '-fvisibility=hidden'],
  },
  'targets': [
    {
      # The BPF object, embedded into the addon: nothing to find at run time.
      'target_name': 'sysieve_bpf',
      'type': 'none',
      'actions': [{
        'action_name': 'clang_bpf',
        'inputs': ['native/bpf/sysieve.bpf.c', 'native/bpf/kernel.h', 'native/bpf/shared.h',
          'native/bpf/compile.sh'],
        'outputs': [
          '<(module_root_dir)/build/sysieve.bpf.o',
          '<(module_root_dir)/build/sysieve_bpf_object.h',
        ],
        'action': ['sh', 'native/bpf/compile.sh', '<(module_root_dir)/build'],
      }],
    },
    {
      'target_name': 'sysieve',
      'dependencies': ['sysieve_bpf'],
      'sources': [
        'native/addon/addon.cc',
        'native/addon/error.cc',
        'native/addon/filter.cc',
        'native/addon/listener.cc',
        'native/addon/session.cc',
        'native/bpf/ebpf_tracer.cc',
        'native/bpf/object.cc',
        'native/bpf/task_table.cc',
        'native/core/cgroup.cc',
        'native/core/proc.cc',
        'native/core/tally.cc',
        'native/filter/dump.cc',
        'native/filter/program.cc',
        'native/notify/image.cc',
        'native/notify/inbox.cc',
        'native/notify/listener.cc',
        'native/notify/notify_tracer.cc',
      ],
      'include_dirs': ['<!(node -p "require(\'node-addon-api\').include_dir")', 'native', '<(module_root_dir)/build'],
      'defines': [
        'NAPI_VERSION=8',
        'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS',
        'NODE_ADDON_API_DISABLE_DEPRECATED',
      ],
      'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
      'cflags_cc': ['<@(cxx)'],
      'libraries': ['-lbpf', '-lelf', '-lz'],
    },
    {
      'target_name': 'sysieve-launch',
      'type': 'executable',
      'sources': ['native/launch/launch.cc'],
      'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
      'cflags_cc': ['<@(cxx)'],
      'ldflags': ['-static-libstdc++', '-static-libgcc', '-pthread'],
    },
  ],
}
