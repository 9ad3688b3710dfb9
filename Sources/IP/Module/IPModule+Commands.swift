// SPDX-License-Identifier: Apache-2.0
import Graph

// The operator's commands about routes.
extension IPModule {
    var commands: [Command] {
        [showFIB, showPathList, showAdjacency, showVRF, routeAdd, routeDelete, routeLoad, testFIB]
    }
}
