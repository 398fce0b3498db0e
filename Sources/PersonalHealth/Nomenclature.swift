/// Codes of ISO/IEEE 11073-10101 that the manager acts on; the C-like name stands beside each.
enum AttributeCode {
    static let handleReference: UInt16 = 0x0A47  // MDC_ATTR_SOURCE_HANDLE_REF
    static let instance: UInt16 = 0x0922  // MDC_ATTR_ID_INSTNO
    static let label: UInt16 = 0x0927  // MDC_ATTR_ID_LABEL_STRING
    static let model: UInt16 = 0x0928  // MDC_ATTR_ID_MODEL
    static let metricID: UInt16 = 0x092B  // MDC_ATTR_ID_PHYSIO
    static let production: UInt16 = 0x092D  // MDC_ATTR_ID_PROD_SPECN
    static let type: UInt16 = 0x092F  // MDC_ATTR_ID_TYPE
    static let storeCapacity: UInt16 = 0x0941  // MDC_ATTR_METRIC_STORE_CAPAC_CNT
    static let measurementStatus: UInt16 = 0x0947  // MDC_ATTR_MSMT_STAT
    static let compoundValue: UInt16 = 0x094B  // MDC_ATTR_NU_CMPD_VAL_OBS
    static let value: UInt16 = 0x0950  // MDC_ATTR_NU_VAL_OBS
    static let powerStatus: UInt16 = 0x0955  // MDC_ATTR_POWER_STAT
    static let segmentUsage: UInt16 = 0x097B  // MDC_ATTR_SEG_USAGE_CNT
    static let systemID: UInt16 = 0x0984  // MDC_ATTR_SYS_ID
    static let absoluteTime: UInt16 = 0x0987  // MDC_ATTR_TIME_ABS
    static let relativeTime: UInt16 = 0x098F  // MDC_ATTR_TIME_REL
    static let absoluteStamp: UInt16 = 0x0990  // MDC_ATTR_TIME_STAMP_ABS
    static let relativeStamp: UInt16 = 0x0991  // MDC_ATTR_TIME_STAMP_REL
    static let unit: UInt16 = 0x0996  // MDC_ATTR_UNIT_CODE
    static let battery: UInt16 = 0x099C  // MDC_ATTR_VAL_BATT_CHARGE
    static let enumeration: UInt16 = 0x099E  // MDC_ATTR_VAL_ENUM_OBS
    static let hiResTime: UInt16 = 0x09E8  // MDC_ATTR_TIME_REL_HI_RES
    static let hiResStamp: UInt16 = 0x09E9  // MDC_ATTR_TIME_STAMP_REL_HI_RES
    static let configuration: UInt16 = 0x0A44  // MDC_ATTR_DEV_CONFIG_ID
    static let timeInformation: UInt16 = 0x0A45  // MDC_ATTR_MDS_TIME_INFO
    static let metricSpecification: UInt16 = 0x0A46  // MDC_ATTR_METRIC_SPEC_SMALL
    static let objectEnumeration: UInt16 = 0x0A49  // MDC_ATTR_ENUM_OBS_VAL_SIMP_OID
    static let textEnumeration: UInt16 = 0x0A4A  // MDC_ATTR_ENUM_OBS_VAL_SIMP_STR
    static let basicValue: UInt16 = 0x0A4C  // MDC_ATTR_NU_VAL_OBS_BASIC
    static let segmentMap: UInt16 = 0x0A4E  // MDC_ATTR_PM_SEG_MAP
    static let segmentPerson: UInt16 = 0x0A4F  // MDC_ATTR_PM_SEG_PERSON_ID
    static let segmentStatics: UInt16 = 0x0A52  // MDC_ATTR_PM_SEG_ELEM_STAT_ATTR
    static let scanMap: UInt16 = 0x0A53  // MDC_ATTR_SCAN_HANDLE_ATTR_VAL_MAP
    static let valueMap: UInt16 = 0x0A55  // MDC_ATTR_ATTRIBUTE_VAL_MAP
    static let simpleValue: UInt16 = 0x0A56  // MDC_ATTR_NU_VAL_OBS_SIMP
    static let segmentLabel: UInt16 = 0x0A58  // MDC_ATTR_PM_SEG_LABEL_STRING
    static let activePeriod: UInt16 = 0x0A59  // MDC_ATTR_TIME_PD_MSMT_ACTIVE
    static let specialisations: UInt16 = 0x0A5A  // MDC_ATTR_SYS_TYPE_SPEC_LIST
    static let metricPartition: UInt16 = 0x0A5F  // MDC_ATTR_METRIC_ID_PART
    static let transferTimeout: UInt16 = 0x0A64  // MDC_ATTR_TRANSFER_TIMEOUT
    static let bits32: UInt16 = 0x0A65  // MDC_ATTR_ENUM_OBS_VAL_SIMP_BIT_STR
    static let bits16: UInt16 = 0x0A66  // MDC_ATTR_ENUM_OBS_VAL_BASIC_BIT_STR
    static let simpleCompound: UInt16 = 0x0A74  // MDC_ATTR_NU_CMPD_VAL_OBS_SIMP
    static let basicCompound: UInt16 = 0x0A75  // MDC_ATTR_NU_CMPD_VAL_OBS_BASIC
    static let metricIDs: UInt16 = 0x0A76  // MDC_ATTR_ID_PHYSIO_LIST
    static let baseOffsetTime: UInt16 = 0x0A81  // MDC_ATTR_TIME_BO
    static let baseOffsetStamp: UInt16 = 0x0A82  // MDC_ATTR_TIME_STAMP_BO
}

enum ObjectClass {
    static let numeric: UInt16 = 6  // MDC_MOC_VMO_METRIC_NU
    static let store: UInt16 = 61  // MDC_MOC_VMO_PMSTORE
}

enum EventCode {
    static let configuration: UInt16 = 0x0D1C  // MDC_NOTI_CONFIG
    static let segmentData: UInt16 = 0x0D21  // MDC_NOTI_SEGMENT_DATA
}

enum ActionCode {
    static let segmentInformation: UInt16 = 0x0C0D  // MDC_ACT_SEG_GET_INFO
    static let setTime: UInt16 = 0x0C17  // MDC_ACT_SET_TIME
    static let transferSegment: UInt16 = 0x0C1C  // MDC_ACT_SEG_TRIG_XFER
    static let setBaseOffsetTime: UInt16 = 0x0C1D  // MDC_ACT_SET_BO_TIME
}

/// What an object measures: a code within its partition.
package struct MetricType: Sendable, Hashable {
    package var partition: UInt16
    package var code: UInt16

    package init(_ partition: UInt16, _ code: UInt16) {
        self.partition = partition
        self.code = code
    }

    init(parsing reader: inout MDERReader) throws(APDUError) {
        partition = try reader.uint16("a partition")
        code = try reader.uint16("a type")
    }

    package static let physiology: UInt16 = 2  // MDC_PART_SCADA
    package static let disease: UInt16 = 128  // MDC_PART_PHD_DM
    package static let fitness: UInt16 = 129  // MDC_PART_PHD_HF

    /// Partition and code in hexadecimal digits: `00024a05`.
    package var shown: String {
        String(shownCode(partition).dropFirst(2) + shownCode(code).dropFirst(2))
    }
}

/// What an agent is made for, by the numbers of the device specialisations.
package enum Specialisation: UInt16, Sendable, CaseIterable {
    case pulseOximeter = 4_100
    case bloodPressure = 4_103
    case thermometer = 4_104
    case weighingScale = 4_111
    case glucose = 4_113
    case bodyComposition = 4_116
    case cardiovascular = 4_137

    /// The standard's number: 10407 for a blood-pressure monitor.
    package var standard: Int {
        switch self {
        case .pulseOximeter: 10_404
        case .bloodPressure: 10_407
        case .thermometer: 10_408
        case .weighingScale: 10_415
        case .glucose: 10_417
        case .bodyComposition: 10_420
        case .cardiovascular: 10_441
        }
    }
}
