import BluetoothLink
import DeviceProfile
import EventLoop
import Measurement
import Spool
import Status
import Uplink

/// What `/metrics` says beside its counters: ages, states and latencies, each readable at a glance.
extension Daemon {
    /// Lines about clock, links, devices, destinations, store, socket and configuration.
    func gauges() async -> [String] {
        var text = MetricsText()
        let now = GatewayTime.now()
        text.add("clock_synchronised", now.synchronised ? 1 : 0)
        text.add("start_time_seconds", startedAt)
        text.add("configuration_refused", configurationState.refusedAt == nil ? 0 : 1)
        text.add("configuration_restart_needed", configurationState.needsRestart.count)
        text.add("profiles_loaded", profiles.index.profiles.count)
        text.add("profile_problems", profiles.profiles.problems.count)
        links(&text)
        await store(&text)
        await devices(&text)
        await destinations(&text)
        sockets(&text)
        for name in Counters.known where counters.values[name] == nil {
            text.add(name + "_total", 0)
        }
        return text.lines + intake.latencies.store.lines("hakaru_store_seconds")
            + intake.latencies.batch.lines("hakaru_batch_seconds")
            + intake.latencies.delivery.lines("hakaru_delivery_seconds")
    }

    private func links(_ text: inout MetricsText) {
        for adapter in bluetooth?.bluez?.status ?? [] {
            let label = [("adapter", adapter.adapter)]
            text.add("bluetooth_scanning", adapter.state == .scanning ? 1 : 0, label)
            text.add(
                "bluetooth_last_advertisement_timestamp_seconds", adapter.lastAdvertisement?.utc,
                label)
        }
        guard let usb else { return }
        text.add("usb_watching", usb.problem == nil ? 1 : 0)
        text.add("usb_devices", usb.plugged.count)
        text.add("usb_refusals_total", usb.refusals)
    }

    private func store(_ text: inout MetricsText) async {
        text.add("storage_used_bytes", Int(await spool.usedBytes))
        text.add("storage_maximum_bytes", configuration.storage.maximumBytes)
        text.add("storage_reserve_bytes", configuration.storage.reserveBytes)
        text.add("storage_ok", intake.trouble == nil ? 1 : 0)
        text.add("readings_waiting_in_memory", intake.backlog)
        text.add("parts_stuck", vitals.stuck.count)
    }

    private func devices(_ text: inout MetricsText) async {
        var labels = DeviceLabels()
        for device in (try? await spool.devices()) ?? [] {
            let label = [("device", labels.label(device))]
            text.add("device_last_seen_timestamp_seconds", device.lastSeen, label)
            text.add("device_last_record_timestamp_seconds", device.lastRecord, label)
            text.add("device_records_total", device.records, label)
            text.add("device_failed_measurements_total", device.memory.failedMeasurements, label)
            text.add("device_battery_percent", device.memory.batteryPercent, label)
            let offset = device.memory.clockOffset.map { Latencies.seconds($0) }
            text.add("device_clock_offset_seconds", offset, label)
            text.add(
                "device_clock_checked_timestamp_seconds", device.memory.clockCheckedAt, label)
        }
    }

    private func destinations(_ text: inout MetricsText) async {
        let stored = (try? await spool.destinations()) ?? []
        for worker in uplink.workers {
            let snapshot = worker.snapshot
            let counts = stored.first { $0.name == snapshot.name }
            let label = [("destination", snapshot.name)]
            text.add("destination_waiting", counts?.waiting ?? 0, label)
            text.add("destination_held", counts?.held ?? 0, label)
            text.add("destination_dead_letters", counts?.deadLetters ?? 0, label)
            text.add(
                "destination_oldest_waiting_timestamp_seconds", counts?.oldestWaitingAt, label)
            let last = snapshot.lastDeliveredAt ?? counts?.lastDeliveredAt
            text.add("destination_last_delivered_timestamp_seconds", last, label)
            text.add(
                "destination_failing_since_timestamp_seconds", snapshot.failingSince, label)
            for state in ["idle", "sending", "retrying", "held"] {
                text.add(
                    "destination_state", snapshot.state.rawValue == state ? 1 : 0,
                    label + [("state", state)])
            }
        }
    }

    private func sockets(_ text: inout MetricsText) {
        let seen = server.counters
        text.add("socket_requests_total", seen.requests)
        text.add("socket_refused_peers_total", seen.refusedPeers)
        text.add("socket_refused_bodies_total", seen.refusedBodies)
        text.add("socket_timed_out_handlers_total", seen.timedOutHandlers)
        text.add("socket_event_clients", seen.eventClients)
        text.add("socket_dropped_event_clients_total", seen.droppedEventClients)
    }
}

/// Names of devices in metrics: the model and the end of the address, each once.
///
/// Metrics travel to other machines; a whole address belongs there as little as into the log.
struct DeviceLabels {
    private var taken: [String: Int] = [:]

    mutating func label(_ device: StoredDevice) -> String {
        let model = device.description.model ?? device.profile ?? "device"
        let name = "\(model) \(device.description.id.shortened)"
        taken[name, default: 0] += 1
        let count = taken[name, default: 1]
        return count == 1 ? name : "\(name) #\(count)"
    }
}
