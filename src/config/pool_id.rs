//! A user pool's id, and where its region lives on the network.

/// The region and DNS suffix of a pool id, if it has the form that Cognito gives it.
/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UserPoolType.html>
pub(super) fn parse_pool_id(pool: &str) -> Option<(&str, &'static str)> {
    let (region, id) = pool.split_once('_')?;
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let suffix = parse_region(region).filter(|_| is_id && pool.len() <= MAX_POOL_ID_BYTES)?;
    Some((region, suffix))
}

/// The DNS suffix of a region, if it has the form of one.
pub(super) fn parse_region(region: &str) -> Option<&'static str> {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let is_region = region.contains('-') && region.split('-').all(is_part);
    is_region.then(|| dns_suffix(region))
}

/// The suffix of the region's partition, as the AWS SDKs' endpoint rules have it.
/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
fn dns_suffix(region: &str) -> &'static str {
    const SUFFIXES: [(&str, &str); 6] = [
        ("cn-", "amazonaws.com.cn"),
        ("eusc-", "amazonaws.eu"),
        ("us-iso-", "c2s.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov"),
        ("us-isof-", "csp.hci.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk"),
    ];
    let found = SUFFIXES.iter().find(|(prefix, _)| region.starts_with(prefix));
    found.map_or("amazonaws.com", |(_, suffix)| suffix)
}

/// `UserPoolIdType` of the Cognito API.
const MAX_POOL_ID_BYTES: usize = 55;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_id_gives_its_region_and_the_suffix_of_its_partition() {
        for (pool, region, suffix) in [
            ("eu-west-1_AbCdEf123", "eu-west-1", "amazonaws.com"),
            ("us-gov-west-1_AbCdEf123", "us-gov-west-1", "amazonaws.com"),
            ("cn-north-1_AbCdEf123", "cn-north-1", "amazonaws.com.cn"),
            ("eusc-de-east-1_AbCdEf123", "eusc-de-east-1", "amazonaws.eu"),
            ("us-iso-east-1_AbCdEf123", "us-iso-east-1", "c2s.ic.gov"),
            ("us-isob-east-1_AbCdEf123", "us-isob-east-1", "sc2s.sgov.gov"),
        ] {
            assert_eq!(parse_pool_id(pool), Some((region, suffix)), "{pool}");
        }
    }

    #[test]
    fn what_is_no_pool_id_is_refused() {
        for pool in [
            "",
            "eu-west-1",
            "_Abc",
            "eu-west-1_",
            "EU-WEST-1_Abc",
            "eu-west-1_Ab-c",
            "eu-west-1_Ab/c",
            "evil.com/eu-west-1_Abc",
            "eu west-1_Abc",
            "local_04nXY3Tq",
            "eu-west-1_A_b",
            "eu-west-1_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert_eq!(parse_pool_id(pool), None, "{pool}");
        }
    }
}
