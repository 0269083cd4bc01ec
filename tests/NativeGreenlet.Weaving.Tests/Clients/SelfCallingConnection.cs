using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;

namespace NativeGreenlet.Weaving.Tests.Clients;

/// <summary>A connection that is woven, whose asynchronous method calls the synchronous one.</summary>
public class SelfCallingConnection : DbConnection
{
    /// <summary>How often it was opened.</summary>
    public int Opened { get; private set; }

    /// <summary>How often that was asynchronously.</summary>
    public int OpenedAsynchronously { get; private set; }

    [AllowNull]
    public override string ConnectionString { get; set; } = string.Empty;

    public override string Database => "own";

    public override string DataSource => "own";

    public override string ServerVersion => "1";

    public override ConnectionState State => ConnectionState.Open;

    public override void Open() => Opened++;

    public override Task OpenAsync(CancellationToken cancellationToken)
    {
        OpenedAsynchronously++;
        Open();
        return Task.CompletedTask;
    }

    public override void ChangeDatabase(string databaseName)
    {
    }

    public override void Close()
    {
    }

    protected override DbTransaction BeginDbTransaction(IsolationLevel isolationLevel) => throw new NotSupportedException();

    protected override DbCommand CreateDbCommand() => throw new NotSupportedException();
}
