/// Turns seconds since 1970 into a date of the Gregorian calendar in UTC. Reads no clock and knows no time zone.
enum CivilTime {
    /// `2024-02-29 12:00:00 UTC`; nil before the year 1970 and after 9999, where only nonsense lies.
    static func text(_ secondsSince1970: Int64) -> String? {
        guard 0..<253_402_300_800 ~= secondsSince1970 else { return nil }
        let (days, seconds) = Int(secondsSince1970).quotientAndRemainder(dividingBy: 86400)
        let date = date(daysSince1970: days)
        let two = Amounts.twoDigits
        return "\(date.year)-\(two(date.month))-\(two(date.day)) "
            + "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60)) UTC"
    }

    /// Counts in eras of 400 years (146,097 days) whose years begin in March, so that the leap day comes last.
    private static func date(daysSince1970: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = daysSince1970 + 719_468
        let (era, dayOfEra) = shifted.quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}
