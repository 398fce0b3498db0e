import DeviceProfile

extension ProfileIndex {
    func cable(_ device: CableDevice) -> [DeviceProfile] { [] }
}
