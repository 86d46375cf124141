# shellcheck shell=bash
# What the test with a paused virtual machine boots: Debian's kernel for clouds, and busybox, into .tools/vm. Sourced after
# tools.sh. Nothing is installed but QEMU. Where it can't be had the test says so, and is skipped.
install_vm() {
  local dir=$TOOLS/vm
  [ "$(uname -m)" = x86_64 ] && command -v apt-get >/dev/null || return 0
  require_debian_packages qemu-system-x86_64:qemu-system-x86
  [ ! -e "$dir/vmlinuz" ] || return 0
  say "downloading a kernel and busybox into .tools/vm"
  local made kernel package module
  made=$(mktemp -d)
  kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -1)
  if ! (cd "$made" && apt-get download -qq -o APT::Sandbox::User=root "$kernel" busybox-static); then
    say "could not download them: the test with a paused virtual machine will be skipped"
    rm -rf "$made"
    return 0
  fi
  mkdir -p "$dir"
  for package in "$made"/*.deb; do dpkg-deb -x "$package" "$made/x"; done
  for module in $VM_MODULES; do find "$made/x" -name "$module.ko" -exec cp {} "$dir/" \;; done
  cp "$made/x/bin/busybox" "$dir/busybox"
  cp "$made"/x/boot/vmlinuz-* "$dir/vmlinuz"
  rm -rf "$made"
}

# In the order in which they are loaded.
VM_MODULES="virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover virtio_net"
