using System.Data;
using System.Data.Common;
using System.Diagnostics;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="DbConnection"/> and of every class that derives from it in woven code: outside a hub they do the same, inside one they park the
/// task, by the asynchronous methods.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(DbConnection))]
[StackTraceHidden]
public static class DbConnectionTwin
{
    public static void Open(DbConnection self)
    {
        if (Databases.CanPark(self))
        {
            Databases.Run(self, self.OpenAsync);
        }
        else
        {
            self.Open();
        }
    }

    public static void ChangeDatabase(DbConnection self, string databaseName)
    {
        if (Databases.CanPark(self))
        {
            Databases.Run(self, token => self.ChangeDatabaseAsync(databaseName, token));
        }
        else
        {
            self.ChangeDatabase(databaseName);
        }
    }

    public static DbTransaction BeginTransaction(DbConnection self) =>
        Databases.CanPark(self)
            ? Databases.Run(self, token => self.BeginTransactionAsync(token).AsTask(), static late => late.Dispose())
            : self.BeginTransaction();

    public static DbTransaction BeginTransaction(DbConnection self, IsolationLevel isolationLevel) =>
        Databases.CanPark(self)
            ? Databases.Run(self, token => self.BeginTransactionAsync(isolationLevel, token).AsTask(), static late => late.Dispose())
            : self.BeginTransaction(isolationLevel);
}
