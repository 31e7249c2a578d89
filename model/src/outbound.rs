//! What must leave for a broker, once its input is durable.

use crate::{
    Name, OrderType, Position, Price, Quantity, SessionId, Side, Symbol, Text, TimeInForce, Timestamp, WireId,
};

journalled! {
    /// One request to a broker, or a word to the session's own gateway.
    pub struct Outbound {
        /// The session it goes out on.
        pub session: SessionId,
        /// The input that caused it.
        pub position: Position,
        /// When that input was stamped; FIX tag 60.
        pub time: Timestamp,
        /// What.
        pub kind: OutboundKind,
    }

    /// What leaves.
    pub enum OutboundKind {
        /// FIX `NewOrderSingle` (35=D).
        NewOrderSingle {
            /// FIX tag 11.
            cl_ord_id: WireId,
            /// FIX tag 1.
            account: Name,
            /// FIX tag 55.
            symbol: Symbol,
            /// FIX tag 54.
            side: Side,
            /// FIX tag 40.
            order_type: OrderType,
            /// FIX tag 59.
            time_in_force: TimeInForce,
            /// FIX tag 38.
            quantity: Quantity,
            /// FIX tag 44.
            limit_price: Option<Price>,
        },
        /// FIX `OrderCancelRequest` (35=F).
        OrderCancelRequest {
            /// FIX tag 11: the request.
            cl_ord_id: WireId,
            /// FIX tag 41: the last acknowledged id of the order.
            orig_cl_ord_id: WireId,
            /// FIX tag 37, where known.
            broker_order_id: Text<40>,
            /// FIX tag 1.
            account: Name,
            /// FIX tag 55.
            symbol: Symbol,
            /// FIX tag 54.
            side: Side,
            /// FIX tag 38: the order's quantity.
            quantity: Quantity,
        },
        /// FIX `OrderCancelReplaceRequest` (35=G).
        OrderCancelReplaceRequest {
            /// FIX tag 11: the request.
            cl_ord_id: WireId,
            /// FIX tag 41: the last acknowledged id of the order.
            orig_cl_ord_id: WireId,
            /// FIX tag 37, where known.
            broker_order_id: Text<40>,
            /// FIX tag 1.
            account: Name,
            /// FIX tag 55.
            symbol: Symbol,
            /// FIX tag 54.
            side: Side,
            /// FIX tag 40.
            order_type: OrderType,
            /// FIX tag 59.
            time_in_force: TimeInForce,
            /// FIX tag 38: the new total quantity.
            quantity: Quantity,
            /// FIX tag 44: the new price.
            limit_price: Option<Price>,
        },
        /// The core has taken note that the session is up: the gateway now asks the read side which requests of
        /// the session are in doubt at or after `Outbound::position`, clears them up, and declares it ready.
        Sweep,
        /// FIX `OrderStatusRequest` (35=H).
        OrderStatusRequest {
            /// FIX tag 11, and tag 790: the id that the order is asked about under.
            cl_ord_id: WireId,
            /// FIX tag 37, where known.
            broker_order_id: Text<40>,
            /// FIX tag 1.
            account: Name,
            /// FIX tag 55.
            symbol: Symbol,
            /// FIX tag 54.
            side: Side,
        },
    }
}
