namespace NativeGreenlet.OrleansBank;

/// <summary>Tables of the bank for what Orleans keeps in a PostgreSQL, its members and the state of its grains, and the statements by which it
/// does. It knows the statements by their keys only, and these by the names of parameters and columns.</summary>
internal static class BankTables
{
    /// <summary>Makes the tables. The first has the name that Orleans looks for.</summary>
    public const string Definition =
        """
        create table OrleansQuery (QueryKey text primary key, QueryText text not null);

        -- The members of a cluster change one at a time: each change names the version that it has seen.
        create table bank_cluster (cluster_id text primary key, version int not null);

        create table bank_silo
        (
            cluster_id text not null references bank_cluster,
            address text not null,
            port int not null,
            generation int not null,
            name text not null,
            host text not null,
            status int not null,
            gateway int not null,
            suspected text,
            started timestamptz not null,
            seen timestamptz not null,
            primary key (cluster_id, address, port, generation)
        );

        create table bank_state
        (
            service_id text not null,
            grain_type text not null,
            id_0 bigint not null,
            id_1 bigint not null,
            extension text not null,
            version int not null,
            payload bytea,
            primary key (service_id, grain_type, id_0, id_1, extension)
        );
        """;

    private const string ThisSilo = "cluster_id = @DeploymentId and address = @Address and port = @Port and generation = @Generation";

    private const string Grain = "@ServiceId, @GrainTypeString, @GrainIdN0, @GrainIdN1, coalesce(@GrainIdExtensionString, '')";

    private const string ThisGrain = $"(service_id, grain_type, id_0, id_1, extension) = ({Grain})";

    private const string NextVersion = "update bank_cluster set version = version + 1 where cluster_id = @DeploymentId and version = @Version";

    private const string Silos =
        """
        select version as Version, address as Address, port as Port, generation as Generation, name as SiloName, host as HostName, status as Status,
            gateway as ProxyPort, suspected as SuspectTimes, started as StartTime, seen as IAmAliveTime
        from bank_cluster c left join bank_silo s on s.cluster_id = c.cluster_id
        """;

    // What was not written has the version that the writer knew, which tells Orleans that another has been there.
    private const string WrittenVersion = "select coalesce((select version from written), @GrainStateVersion) as NewGrainStateVersion";

    /// <summary>The statements.</summary>
    public static IReadOnlyDictionary<string, string> Statements { get; } = new Dictionary<string, string>
    {
        ["InsertMembershipVersionKey"] =
            """
            with added as (insert into bank_cluster values (@DeploymentId, 0) on conflict do nothing returning 1)
            select exists (select from added)
            """,
        ["InsertMembershipKey"] =
            $"""
            with next as ({NextVersion} and not exists (select from bank_silo where {ThisSilo}) returning 1),
                added as (
                    insert into bank_silo
                    select @DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, null, @StartTime, @IAmAliveTime from next
                    returning 1)
            select exists (select from added)
            """,
        ["UpdateMembershipKey"] =
            $"""
            with next as ({NextVersion} and exists (select from bank_silo where {ThisSilo}) returning 1),
                changed as (
                    update bank_silo set status = @Status, suspected = @SuspectTimes, seen = @IAmAliveTime from next where {ThisSilo}
                    returning 1)
            select exists (select from changed)
            """,
        ["UpdateIAmAlivetimeKey"] = $"update bank_silo set seen = @IAmAliveTime where {ThisSilo}",
        ["MembershipReadAllKey"] = $"{Silos} where c.cluster_id = @DeploymentId",
        ["MembershipReadRowKey"] = $"{Silos} and (address, port, generation) = (@Address, @Port, @Generation) where c.cluster_id = @DeploymentId",
        ["GatewaysQueryKey"] =
            """
            select address as Address, gateway as ProxyPort, generation as Generation from bank_silo
            where cluster_id = @DeploymentId and status = @Status and gateway > 0
            """,
        ["DeleteMembershipTableEntriesKey"] =
            """
            delete from bank_silo where cluster_id = @DeploymentId;
            delete from bank_cluster where cluster_id = @DeploymentId
            """,
        ["CleanupDefunctSiloEntriesKey"] = "delete from bank_silo where cluster_id = @DeploymentId and status = 6 and greatest(started, seen) < @IAmAliveTime",
        ["CleanupDefunctSiloEntryKey"] =
            $"""
            delete from bank_silo
            where {ThisSilo} and status = 6 and started = @StartTime and seen = @IAmAliveTime and coalesce(suspected, '') = coalesce(@SuspectTimes, '')
            """,
        ["ReadFromStorageKey"] = $"select payload as PayloadBinary, version as Version from bank_state where {ThisGrain}",
        ["WriteToStorageKey"] =
            $"""
            with changed as (
                    update bank_state set payload = @PayloadBinary, version = version + 1 where {ThisGrain} and version = @GrainStateVersion
                    returning version),
                added as (
                    insert into bank_state select {Grain}, 1, @PayloadBinary where @GrainStateVersion is null
                    on conflict do nothing
                    returning version),
                written as (table changed union all table added)
            {WrittenVersion}
            """,
        ["ClearStorageKey"] =
            $"""
            with written as (update bank_state set payload = null, version = version + 1 where {ThisGrain} and version = @GrainStateVersion returning version)
            {WrittenVersion}
            """,
        ["DeleteStorageKey"] =
            $"""
            with written as (delete from bank_state where {ThisGrain} and version = @GrainStateVersion returning version + 1 as version)
            {WrittenVersion}
            """,
    };
}
