using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;

namespace NativeGreenlet.Weaving.Tests.Clients;

/// <summary>A client of a database that is not woven, because its code is that of a twin. It notes which of its methods are called.</summary>
[GreenletTwin(typeof(UnwovenTwin.Missing))]
public static class ScriptedClientTwin
{
    /// <summary>A connection whose asynchronous methods wait until they are let go on, or are cancelled.</summary>
    public sealed class Connection : DbConnection
    {
        /// <summary>What was called.</summary>
        public List<string> Calls { get; } = [];

        /// <summary>What asynchronous methods wait for.</summary>
        public TaskCompletionSource Gate { get; init; } = new();

        [AllowNull]
        public override string ConnectionString { get; set; } = string.Empty;

        public override string Database => "scripted";

        public override string DataSource => "scripted";

        public override string ServerVersion => "1";

        public override ConnectionState State => ConnectionState.Open;

        public override void Open() => Calls.Add("Open");

        public override Task OpenAsync(CancellationToken cancellationToken) => DoAsync("Open", true, cancellationToken);

        public override void ChangeDatabase(string databaseName) => Calls.Add($"ChangeDatabase {databaseName}");

        public override Task ChangeDatabaseAsync(string databaseName, CancellationToken cancellationToken = default) => DoAsync($"ChangeDatabase {databaseName}", true, cancellationToken);

        public override void Close()
        {
        }

        /// <summary>Waits, and notes the call.</summary>
        public async Task<T> DoAsync<T>(string call, T result, CancellationToken cancellationToken)
        {
            Calls.Add($"{call}, asynchronously");
            await Gate.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            return result;
        }

        protected override DbTransaction BeginDbTransaction(IsolationLevel isolationLevel)
        {
            Calls.Add($"BeginTransaction {isolationLevel}");
            return new Transaction(this);
        }

        protected override async ValueTask<DbTransaction> BeginDbTransactionAsync(IsolationLevel isolationLevel, CancellationToken cancellationToken) =>
            await DoAsync($"BeginTransaction {isolationLevel}", new Transaction(this), cancellationToken).ConfigureAwait(false);

        protected override DbCommand CreateDbCommand() => new Command(this);
    }

    /// <summary>A connection that is not woven, of a class that is.</summary>
    public sealed class DerivedConnection : SelfCallingConnection
    {
    }

    /// <summary>A command of it.</summary>
    public sealed class Command(Connection connection) : DbCommand
    {
        [AllowNull]
        public override string CommandText { get; set; } = string.Empty;

        public override int CommandTimeout { get; set; }

        public override CommandType CommandType { get; set; }

        public override bool DesignTimeVisible { get; set; }

        public override UpdateRowSource UpdatedRowSource { get; set; }

        protected override DbConnection? DbConnection { get; set; } = connection;

        protected override DbParameterCollection DbParameterCollection => throw new NotSupportedException();

        protected override DbTransaction? DbTransaction { get; set; }

        public override void Cancel()
        {
        }

        public override int ExecuteNonQuery() => Note("ExecuteNonQuery", 1);

        public override Task<int> ExecuteNonQueryAsync(CancellationToken cancellationToken) => connection.DoAsync("ExecuteNonQuery", 1, cancellationToken);

        public override object? ExecuteScalar() => Note("ExecuteScalar", "x");

        public override Task<object?> ExecuteScalarAsync(CancellationToken cancellationToken) => connection.DoAsync<object?>("ExecuteScalar", "x", cancellationToken);

        public override void Prepare() => Note("Prepare", 1);

        public override Task PrepareAsync(CancellationToken cancellationToken = default) => connection.DoAsync("Prepare", 1, cancellationToken);

        protected override DbParameter CreateDbParameter() => throw new NotSupportedException();

        protected override DbDataReader ExecuteDbDataReader(CommandBehavior behavior) => Note($"ExecuteReader {behavior}", Rows());

        protected override Task<DbDataReader> ExecuteDbDataReaderAsync(CommandBehavior behavior, CancellationToken cancellationToken) =>
            connection.DoAsync($"ExecuteReader {behavior}", Rows(), cancellationToken);

        private static DbDataReader Rows()
        {
            using DataTable table = new();
            table.Columns.Add("n", typeof(int));
            table.Rows.Add(7);
            return table.CreateDataReader();
        }

        private T Note<T>(string call, T result)
        {
            connection.Calls.Add(call);
            return result;
        }
    }

    /// <summary>A transaction of it.</summary>
    public sealed class Transaction(Connection connection) : DbTransaction
    {
        public override IsolationLevel IsolationLevel => IsolationLevel.Serializable;

        public override bool SupportsSavepoints => true;

        protected override DbConnection? DbConnection => connection;

        public override void Commit() => connection.Calls.Add("Commit");

        public override Task CommitAsync(CancellationToken cancellationToken = default) => connection.DoAsync("Commit", 1, cancellationToken);

        public override void Rollback() => connection.Calls.Add("Rollback");

        public override Task RollbackAsync(CancellationToken cancellationToken = default) => connection.DoAsync("Rollback", 1, cancellationToken);

        public override void Save(string savepointName) => connection.Calls.Add($"Save {savepointName}");

        public override Task SaveAsync(string savepointName, CancellationToken cancellationToken = default) => connection.DoAsync($"Save {savepointName}", 1, cancellationToken);
    }
}
