using System.Data;
using System.Data.Common;
using System.Diagnostics;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="DbDataSource"/> and of every class that derives from it in woven code: outside a hub they do the same, inside one they park the
/// task, by the asynchronous methods.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(DbDataSource))]
[StackTraceHidden]
public static class DbDataSourceTwin
{
    public static DbConnection OpenConnection(DbDataSource self) =>
        Databases.CanPark(self)
            ? Databases.Run(self, token => self.OpenConnectionAsync(token).AsTask(), static late => late.Dispose())
            : self.OpenConnection();
}
