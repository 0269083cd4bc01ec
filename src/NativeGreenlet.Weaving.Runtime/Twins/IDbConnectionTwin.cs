using System.Data;
using System.Data.Common;
using System.Diagnostics;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="IDbConnection"/>, where it is a <see cref="DbConnection"/>, in woven code: outside a hub they do the same, inside one they park the
/// task, by the asynchronous methods.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(IDbConnection))]
[StackTraceHidden]
public static class IDbConnectionTwin
{
    public static void Open(IDbConnection self)
    {
        if (self is DbConnection connection)
        {
            DbConnectionTwin.Open(connection);
        }
        else
        {
            self.Open();
        }
    }

    public static void ChangeDatabase(IDbConnection self, string databaseName)
    {
        if (self is DbConnection connection)
        {
            DbConnectionTwin.ChangeDatabase(connection, databaseName);
        }
        else
        {
            self.ChangeDatabase(databaseName);
        }
    }

    public static IDbTransaction BeginTransaction(IDbConnection self) =>
        self is DbConnection connection ? DbConnectionTwin.BeginTransaction(connection) : self.BeginTransaction();

    public static IDbTransaction BeginTransaction(IDbConnection self, IsolationLevel il) =>
        self is DbConnection connection ? DbConnectionTwin.BeginTransaction(connection, il) : self.BeginTransaction(il);
}
