import DeviceLink
package import Measurement

/// When a session reached each of its stages: where the time of a late value went.
package struct SessionTimes: Sendable, Equatable {
    package enum Stage: String, Sendable, CaseIterable {
        /// The adapter was free for this device.
        case adapter
        /// Discovery was stopped.
        case quiet
        case linked
        case bonded
        case services
        /// The first subscription stood.
        case subscribed
        case firstValue = "first_value"
        case ended
    }

    package let began: GatewayTime
    private var reached: [Stage: Interval] = [:]

    package init(began: GatewayTime) { self.began = began }

    /// How long after its beginning the session reached the stage; nil where it never did.
    package subscript(stage: Stage) -> Interval? { reached[stage] }

    /// Notes a stage; only the first time counts.
    package mutating func reach(_ stage: Stage, at time: GatewayTime) {
        guard reached[stage] == nil else { return }
        reached[stage] = time.since(began)
    }

    /// Notes the stage that an event of the session means, if it means one.
    mutating func take(_ event: SessionEvent) {
        switch event {
        case .connected(_, let at): reach(.linked, at: at)
        case .bonded(let at): reach(.bonded, at: at)
        case .services(_, let at): reach(.services, at: at)
        case .subscribed(_, let at): reach(.subscribed, at: at)
        case .notification(_, _, let at): reach(.firstValue, at: at)
        default: break
        }
    }
}
