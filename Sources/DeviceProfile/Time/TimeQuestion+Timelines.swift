import Measurement

/// Rules T4, T6, T7 and T8: which of a device's timelines a stamp was written on.
extension TimeQuestion {
    /// A stamp of a wall clock that was read: `offset` is gateway minus device before any set.
    func onTimeline(_ raw: Instant, _ stamp: LocalDateTime, _ offset: Interval) -> TimeDecision {
        let steps = evidence.clock.steps
        for (index, step) in steps.enumerated() {
            let isOwn = evidence.clock.wasSet && index == steps.count - 1
            if stamp <= step.deviceBefore {
                // A clock that was ahead shows the same hour twice. If nothing waited on the
                // device any more, the second one is meant.
                let isShownAgain = raw >= step.setAt && raw <= received.utc + Self.futureTolerance
                if step.drained, isShownAgain { continue }
                let doubt = isShownAgain ? step.offset.magnitude : .zero
                return isOwn
                    ? onPresentTimeline(raw, offset, doubt) : shifted(raw, step.offset, doubt)
            }
            if raw < step.setAt - tolerance { return inGap(raw, step) }
        }
        return evidence.clock.wasSet ? shifted(raw, .zero) : onPresentTimeline(raw, offset)
    }

    /// A stamp that the device says is of the timeline it is on now.
    func onlyPresent(_ raw: Instant, _ offset: Interval) -> TimeDecision {
        shifted(raw, evidence.clock.wasSet ? .zero : offset)
    }

    /// A stamp after what the clock showed before it was set and before what it was set to.
    ///
    /// Either the clock had not taken the set yet, or the stamp is of an older timeline.
    private func inGap(_ raw: Instant, _ step: ClockStep) -> TimeDecision {
        raw + step.offset <= received.utc + Self.futureTolerance
            ? shifted(raw, step.offset) : onFormerTimeline(raw)
    }

    /// T4 and T6 by the offset of now; T7 where that is no continuation of the last session's.
    private func onPresentTimeline(
        _ raw: Instant, _ offset: Interval, _ doubt: Interval = .zero
    ) -> TimeDecision {
        guard let earlier = evidence.clock.earlier,
            earlier.isDiscontinuous(with: offset, at: received.utc, resolution: resolution)
        else { return shifted(raw, offset, doubt) }
        guard isSinceLastSession(raw + offset, earlier) else { return onFormerTimeline(raw) }
        // Both timelines may hold it: the present one is taken, and the doubt is told.
        let isAmbiguous = isSinceLastSession(raw + earlier.offset, earlier)
        return shifted(
            raw, offset, isAmbiguous ? max(doubt, (offset - earlier.offset).magnitude) : doubt)
    }

    /// T7: a stamp from before the clock jumped, by the offset that was known before, if that fits.
    func onFormerTimeline(_ raw: Instant) -> TimeDecision {
        if rules.readings == .live, evidence.delivery == .pushed {
            return .accepted(receptionTime())
        }
        guard let earlier = evidence.clock.earlier,
            isSinceLastSession(raw + earlier.offset, earlier)
        else { return .quarantined(.notCurrentTimeline) }
        guard case .accepted(let time) = shifted(raw, earlier.offset) else {
            return .quarantined(.notCurrentTimeline)
        }
        return .faulty(time)
    }

    private func isSinceLastSession(_ moment: Instant, _ earlier: EarlierClock) -> Bool {
        moment > earlier.drainedAt - Self.futureTolerance
            && moment <= received.utc + Self.futureTolerance
    }

    /// T4: within the tolerance the device's time stands as it is (code 0), else it is shifted.
    private func shifted(
        _ raw: Instant, _ offset: Interval, _ doubt: Interval = .zero
    ) -> TimeDecision {
        let isKept = offset.magnitude <= tolerance
        let decided = time(
            isKept ? raw : raw + offset, isKept ? .deviceClock : .corrected,
            isKept ? .device : .corrected, offset: offset, doubt: doubt)
        return plausible(raw, .accepted(decided))
    }
}
